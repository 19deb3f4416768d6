"""The session of a command: connections to Kubernetes and Temporal, and the namespace."""

import getpass
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.runtime import Runtime, TelemetryConfig

from kudo.client import Plans, connect
from kudo.kubernetes import Cluster
from kudo.operations.session import Session


def whoami() -> str:
    """Return USER@HOST, which identifies the person at this machine in histories."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # A container may run as a number that no user has.
    return f"{user}@{socket.gethostname()}"


@asynccontextmanager
async def open_session(namespace: str | None) -> AsyncIterator[Session]:
    """Connect to Kubernetes and Temporal. Raises ConfigurationError, ClusterUnavailable or TemporalUnavailable."""
    # The SDK logs its retries; they are not for the person at the terminal.
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)), error_if_already_set=False)
    async with await Cluster.connect() as cluster:
        # Checked first, so that no command stops half-way because the cluster is unavailable.
        await cluster.version()
        plans = Plans(await connect(whoami()))
        await plans.require_namespace()
        yield Session(cluster, plans, namespace or cluster.namespace)
