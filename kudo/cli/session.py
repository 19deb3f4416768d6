"""What most commands need: a cluster, and Temporal."""

import getpass
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio.runtime import Runtime, TelemetryConfig

from kudo.client import Plans, connect
from kudo.kubernetes import Cluster
from kudo.model.execution import PlanRequest


@dataclass(frozen=True, slots=True)
class Session:
    """Connections to both, and the namespace that a command is about."""

    cluster: Cluster
    plans: Plans
    namespace: str

    def request(self, instance: str, plan: str) -> PlanRequest:
        """Ask for a plan of an instance in this namespace."""
        return PlanRequest(namespace=self.namespace, instance=instance, plan=plan)


def whoami() -> str:
    """The person at this machine, as histories name them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # A container may run as a number that no user has.
    return f"{user}@{socket.gethostname()}"


@asynccontextmanager
async def session(namespace: str | None) -> AsyncIterator[Session]:
    """Connect to both before anything is done. Raises ConfigurationError, or what says that one is away."""
    # What the library itself logs of its tries is not for the person at the terminal.
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)), error_if_already_set=False)
    async with await Cluster.connect() as cluster:
        # Asked first, so that no command gets half-way before it finds that the cluster is away.
        await cluster.version()
        plans = Plans(await connect(whoami()))
        await plans.require_namespace()
        yield Session(cluster, plans, namespace or cluster.namespace)
