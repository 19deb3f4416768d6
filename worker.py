"""The worker: runs plans.

    python -m worker

Temporal is found by the TEMPORAL_* variables and profiles that the `temporal` command line uses, Kubernetes by
$KUBECONFIG, ~/.kube/config, or the service account of the pod that this runs in.
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

from activities import GRACE, plan_activities, task_activities
from kudo.client import TASK_QUEUE, connect, require_search_attributes
from kudo.errors import ConfigurationError, KudoError
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER_IMAGE
from kudo.model.bounds import Bounds
from kudo.model.durations import Duration
from kudo.model.tasks import Retry
from kudo.templates import Renderer
from workflows import WORKFLOWS
from workflows.options import control_queue

log = logging.getLogger("kudo.worker")

CONCURRENT_ACTIVITIES = 2000
"""How many tasks run at once; one that waits for health costs next to nothing, but holds a slot."""

CACHED_WORKFLOWS = 1000
"""How many workflows are kept in memory; others are replayed from their history when something happens to them."""

CANCEL_LATENCY = timedelta(seconds=1)
"""How often heartbeats are sent at the least; it is their answer that brings a cancel."""

SHUTDOWN = timedelta(seconds=5)
"""How long running activities may take to end when the worker is asked to stop; another worker takes them over."""


class Settings(BaseSettings):
    """What a worker may be told by the environment.

    The bounds are for the tasks of packages that set none; without them, tasks are tried for ever.
    """

    model_config = SettingsConfigDict(env_prefix="KUDO_")

    task_max_attempts: int | None = Field(default=None, ge=1)
    task_initial_interval: Duration | None = None
    task_max_interval: Duration | None = None
    task_timeout: Duration | None = None
    pod_patience: Duration = timedelta(minutes=10)
    """How long pods may crash, or lack their image or a node, before what they are of has failed."""
    pipe_image: str = WAITER_IMAGE
    """Of the container that waits while the files of a Pipe task are copied."""

    def bounds(self) -> Bounds:
        """The bounds as a package would have them."""
        retry = Retry(
            max_attempts=self.task_max_attempts,
            initial_interval=self.task_initial_interval,
            max_interval=self.task_max_interval,
        )
        return Bounds(retry=retry, timeout=self.task_timeout)


def read_settings() -> Settings:
    """The settings from the environment. Raises ConfigurationError, which names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"KUDO_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()]
        raise ConfigurationError(f"The settings of the worker cannot be used: {'; '.join(problems)}") from None


@asynccontextmanager
async def running(
    client: Client,
    cluster: Cluster,
    *,
    grace: timedelta = GRACE,
    settings: Settings | None = None,
    max_cached_workflows: int = CACHED_WORKFLOWS,
) -> AsyncIterator[None]:
    """Run plans while the body runs; `grace` is for what may be late, see `activities.GRACE`.

    Raises ConfigurationError where settings are not given, and those of the environment cannot be used.
    """
    settings = settings or read_settings()
    async with Renderer() as renderer:
        tasks = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=task_activities(
                cluster, renderer, grace, patience=settings.pod_patience, pipe_image=settings.pipe_image
            ),
            max_cached_workflows=max_cached_workflows,
            max_concurrent_activities=CONCURRENT_ACTIVITIES,
            max_heartbeat_throttle_interval=CANCEL_LATENCY,
            default_heartbeat_throttle_interval=CANCEL_LATENCY,
            graceful_shutdown_timeout=SHUTDOWN,
        )
        # Slots of their own: a plan must be loaded, reported on and cancelled when all tasks wait.
        plans = Worker(
            client,
            task_queue=control_queue(TASK_QUEUE),
            activities=plan_activities(cluster, renderer, grace, settings.bounds()),
            graceful_shutdown_timeout=SHUTDOWN,
        )
        async with tasks, plans:
            yield


async def run() -> None:
    """Run plans until asked to stop by SIGINT or SIGTERM."""
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
        log.info("Stopping; what is running goes on in another worker, or when this one is back")


def main() -> int:
    """Run the worker; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    # A failed attempt of an activity is the plan's business, and is shown there; here it would be a traceback each.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(run())
        except (KudoError, RuntimeError) as error:
            # A RuntimeError is how the SDK says what a server refused a worker for.
            print(f"Error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
