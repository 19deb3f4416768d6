"""The worker process, which runs plans.

    python -m kudo.worker

It connects to Temporal with the TEMPORAL_* variables and profiles that the `temporal` command line uses, and to
Kubernetes with $KUBECONFIG, ~/.kube/config, or the service account of its pod.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from temporalio.client import Client
from temporalio.worker import FixedSizeSlotSupplier, Worker, WorkerTuner

from kudo.activities import GRACE, POD_PATIENCE, WAIT_LIMIT
from kudo.activities.slots import WORKING
from kudo.client import TASK_QUEUE, connect, require_search_attributes
from kudo.client.connection import TemporalIdentity
from kudo.errors import ConfigurationError, InternalError, KudoError
from kudo.health import Health
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER_IMAGE
from kudo.model.bounds import Bounds
from kudo.model.durations import Duration
from kudo.model.tasks import Retry
from kudo.plugin import KudoPlugin

log = logging.getLogger("kudo.worker")

CONCURRENT_WORKFLOWS = 100
"""Workflow tasks that run at a time."""

CACHED_WORKFLOWS = 1000
"""Workflows that are kept in memory; others are replayed from their history when they get an event."""

CANCEL_LATENCY = timedelta(seconds=1)
"""Longest time between two heartbeats that reach the server; their responses deliver a cancel."""

SHUTDOWN = timedelta(seconds=5)
"""How long running activities may take to end when the worker stops; another worker takes them over."""


class Settings(BaseSettings):
    """The settings of a worker, from environment variables with the prefix KUDO_.

    The bounds are for tasks whose packages set none; without bounds, tasks are retried forever.
    """

    model_config = SettingsConfigDict(env_prefix="KUDO_")

    task_max_attempts: int | None = Field(default=None, ge=1)
    task_initial_interval: Duration | None = None
    task_max_interval: Duration | None = None
    task_timeout: Duration | None = None
    grace: Duration = GRACE
    """How long roles, namespaces and kinds may be missing before that is fatal."""
    pod_patience: Duration = POD_PATIENCE
    """How long pods may crash, or lack their image or a node, before their object has failed."""
    wait_limit: Duration = WAIT_LIMIT
    """How long a task waits for its objects before its heartbeats become rare.

    A worker that was killed is then missed after 150 seconds instead of 10.
    """
    pipe_image: str = WAITER_IMAGE
    """The image of the container that waits while the files of a Pipe task are copied."""
    working_tasks: int = Field(default=WORKING, ge=1)
    """How many tasks may work at a time; those that wait for health do not count."""
    cluster_scoped_kinds: str = "*"
    """The cluster-scoped kinds that tasks may write, separated by commas; `*` for all, empty for none."""
    workflow_sandbox: bool = False
    """Whether workflows run in Temporal's sandbox, which detects code that cannot be replayed, and costs CPU."""
    adopt_objects: bool = False
    """Whether tasks may change and delete objects that were not made for any Instance."""

    def cluster_scoped(self) -> frozenset[str] | None:
        """Return the cluster-scoped kinds that tasks may write; None for all."""
        kinds = frozenset(filter(None, (kind.strip() for kind in self.cluster_scoped_kinds.split(","))))
        return None if "*" in kinds else kinds

    def bounds(self) -> Bounds:
        """Return the bounds in the form that a package has."""
        retry = Retry(
            max_attempts=self.task_max_attempts,
            initial_interval=self.task_initial_interval,
            max_interval=self.task_max_interval,
        )
        return Bounds(retry=retry, timeout=self.task_timeout)


def read_settings() -> Settings:
    """Read the settings from the environment. Raises ConfigurationError, which names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"KUDO_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()]
        raise ConfigurationError(f"Invalid settings of the worker: {'; '.join(problems)}") from None


@asynccontextmanager
async def running(
    client: Client,
    cluster: Cluster,
    *,
    grace: timedelta | None = None,
    settings: Settings | None = None,
    max_cached_workflows: int = CACHED_WORKFLOWS,
) -> AsyncIterator[KudoPlugin]:
    """Run plans while the body runs; `grace` overrides that of the settings.

    Raises ConfigurationError if no settings are given and those of the environment are invalid.
    """
    settings = settings or read_settings()
    plugin = KudoPlugin(
        cluster,
        grace=settings.grace if grace is None else grace,
        pod_patience=settings.pod_patience,
        wait_limit=settings.wait_limit,
        pipe_image=settings.pipe_image,
        bounds=settings.bounds(),
        adopt=settings.adopt_objects,
        cluster_scoped=settings.cluster_scoped(),
        working_tasks=settings.working_tasks,
        sandboxed=settings.workflow_sandbox,
    )
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        plugins=[plugin],
        max_cached_workflows=max_cached_workflows,
        tuner=_tuner(plugin),
        max_heartbeat_throttle_interval=CANCEL_LATENCY,
        default_heartbeat_throttle_interval=CANCEL_LATENCY,
        graceful_shutdown_timeout=SHUTDOWN,
    ):
        yield plugin


def _tuner(plugin: KudoPlugin) -> WorkerTuner:
    """Return the slots of a worker: those of tasks are the plugin's."""
    return WorkerTuner.create_composite(
        workflow_supplier=FixedSizeSlotSupplier(CONCURRENT_WORKFLOWS),
        activity_supplier=plugin.task_slots,
        local_activity_supplier=FixedSizeSlotSupplier(CONCURRENT_WORKFLOWS),
        nexus_supplier=FixedSizeSlotSupplier(1),
    )


async def run() -> None:
    """Run plans until SIGINT or SIGTERM. Raises InternalError if the worker cannot render any more."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    settings = read_settings()
    async with await Cluster.connect() as cluster:
        while not stopping.is_set():
            await _run_until(stopping, cluster, settings)
    log.info("Stopping; running plans continue in another worker, or when this one is started again")


async def _run_until(stopping: asyncio.Event, cluster: Cluster, settings: Settings) -> None:
    """Run plans until the worker stops, or has to connect to Temporal with another certificate."""
    identity = TemporalIdentity()
    client = await connect()
    await require_search_attributes(client)
    async with running(client, cluster, settings=settings) as plugin:
        health = Health(plugin.probe)
        log.info(
            "Running plans of %s, as task queue %s of %s",
            cluster.url,
            TASK_QUEUE,
            client.service_client.config.target_host,
        )
        async with health.watched():
            waits = [stopping.wait(), health.failed.wait(), identity.replaced(client)]
            waiting = [asyncio.create_task(wait) for wait in waits]
            _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
    if health.failed.is_set():
        raise InternalError("The worker cannot render templates; the log has the reason.")


def main() -> int:
    """Run the worker; return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    # A failed attempt of an activity is shown in its plan; here each would be a traceback.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(run())
        except (KudoError, RuntimeError) as error:
            # The SDK raises RuntimeError if the server rejects a worker.
            print(f"Error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
