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
from temporalio.worker import Worker

from kudo.activities import GRACE, POD_PATIENCE
from kudo.client import TASK_QUEUE, connect, require_search_attributes
from kudo.errors import ConfigurationError, KudoError
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER_IMAGE
from kudo.model.bounds import Bounds
from kudo.model.durations import Duration
from kudo.model.tasks import Retry
from kudo.plugin import KudoPlugin

log = logging.getLogger("kudo.worker")

CONCURRENT_ACTIVITIES = 2000
"""Tasks that run at a time; a task that waits for health costs almost nothing, but holds a slot."""

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
    pod_patience: Duration = POD_PATIENCE
    """How long pods may crash, or lack their image or a node, before their object has failed."""
    pipe_image: str = WAITER_IMAGE
    """The image of the container that waits while the files of a Pipe task are copied."""
    adopt_objects: bool = False
    """Whether tasks may change and delete objects that were not made for any Instance."""

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
    grace: timedelta = GRACE,
    settings: Settings | None = None,
    max_cached_workflows: int = CACHED_WORKFLOWS,
) -> AsyncIterator[None]:
    """Run plans while the body runs; for `grace` see `activities.GRACE`.

    Raises ConfigurationError if no settings are given and those of the environment are invalid.
    """
    settings = settings or read_settings()
    plugin = KudoPlugin(
        cluster,
        grace=grace,
        pod_patience=settings.pod_patience,
        pipe_image=settings.pipe_image,
        bounds=settings.bounds(),
        adopt=settings.adopt_objects,
    )
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        plugins=[plugin],
        max_cached_workflows=max_cached_workflows,
        max_concurrent_activities=CONCURRENT_ACTIVITIES,
        max_heartbeat_throttle_interval=CANCEL_LATENCY,
        default_heartbeat_throttle_interval=CANCEL_LATENCY,
        graceful_shutdown_timeout=SHUTDOWN,
    ):
        yield


async def run() -> None:
    """Run plans until SIGINT or SIGTERM."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    settings = read_settings()
    client = await connect()
    await require_search_attributes(client)
    async with await Cluster.connect() as cluster, running(client, cluster, settings=settings):
        log.info(
            "Running plans of %s, as task queue %s of %s",
            cluster.url,
            TASK_QUEUE,
            client.service_client.config.target_host,
        )
        await stopping.wait()
        log.info("Stopping; running plans continue in another worker, or when this one is started again")


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
