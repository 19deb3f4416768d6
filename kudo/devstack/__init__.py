"""A development stack on one machine: a Temporal server, a cluster and a worker."""
