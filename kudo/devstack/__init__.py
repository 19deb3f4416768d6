"""Everything that a plan needs, on one machine: a Temporal server, a cluster and a worker."""
