"""A Temporal plugin with which any worker runs plans.

    client = await Client.connect("localhost:7233", plugins=[KudoPlugin(cluster)])
    worker = Worker(client, task_queue="kudo", workflows=[...], activities=[...])

The plugin brings the data converter, the workflows, their activities, and the modules that Temporal's workflow sandbox
passes through. It also polls the control queue beside the task queue of the worker: a plan must be loaded, reported on
and cancelled while all slots for tasks are in use.
"""

from collections.abc import Awaitable, Callable, Container
from dataclasses import replace
from datetime import timedelta

from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from kudo.activities import (
    GRACE,
    POD_PATIENCE,
    WAIT_LIMIT,
    ActivityContext,
    control_activities,
    task_activities,
)
from kudo.activities.slots import WORKING, TaskSlots
from kudo.client import require_search_attributes
from kudo.errors import ConfigurationError
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER_IMAGE
from kudo.model.bounds import UNBOUNDED, Bounds
from kudo.templates import Renderer, render_all
from kudo.workflows import WORKFLOWS
from kudo.workflows.options import control_queue

PASSTHROUGH_MODULES = (
    "kudo.errors",
    "kudo.model",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "durationpy",
    "yaml",
)
"""Modules that workflows import and that the sandbox does not load again: they have no state and do no I/O."""

SHUTDOWN = timedelta(seconds=5)
"""How long control activities may take to end when the worker stops."""

DEADLOCK_TIMEOUT = timedelta(minutes=1)
"""How long a workflow may compute before it counts as deadlocked.

The SDK's 2 seconds pass when a process gets no CPU for so long. The SDK then interrupts the workflow wherever it is,
which can lose some of its asyncio tasks: it can neither continue nor be evicted, and hangs until the worker restarts.
Temporal gives up a workflow task after 10 seconds by itself, and the SDK then evicts the workflow without interrupting.
"""


def workflow_runner() -> WorkflowRunner:
    """Return a sandboxed runner for the workflows, for tests and replayers: it detects what cannot be replayed."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSTHROUGH_MODULES)
    )


class KudoPlugin(SimplePlugin):
    """Runs plans on the task queue of a worker, and their control activities on the control queue beside it.

    One plugin is for one worker. `grace` is how long credentials, roles, namespaces and kinds may be missing before
    that is fatal; `pod_patience` how long pods may be in trouble before their object has failed; `wait_limit` how long
    tasks wait before their heartbeats become rare; `pipe_image` the image of the container that waits in the pods of
    Pipe tasks; `bounds` are for tasks whose packages set none; with `adopt`, tasks may change and delete objects that
    were not made for any Instance; `cluster_scoped` has the cluster-scoped kinds that tasks may write; `working_tasks`
    bounds `task_slots`; `sandboxed` runs the workflows in Temporal's sandbox, which imports them again for each run.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        grace: timedelta = GRACE,
        pod_patience: timedelta | None = POD_PATIENCE,
        wait_limit: timedelta = WAIT_LIMIT,
        pipe_image: str = WAITER_IMAGE,
        bounds: Bounds = UNBOUNDED,
        adopt: bool = False,
        cluster_scoped: Container[str] | None = None,
        working_tasks: int = WORKING,
        sandboxed: bool = False,
    ) -> None:
        self._renderer = Renderer()
        self._has_run = False
        self._context = ActivityContext(
            cluster,
            self._renderer,
            grace,
            pod_patience,
            wait_limit,
            pipe_image,
            bounds,
            adopt,
            cluster_scoped,
            TaskSlots(working_tasks),
        )
        super().__init__(
            "kudo.KudoPlugin",
            data_converter=_with_pydantic,
            workflows=WORKFLOWS,
            workflow_runner=workflow_runner() if sandboxed else UnsandboxedWorkflowRunner(),
            # The control activities also run as local activities, which are those of the workflows' worker.
            activities=[*task_activities(self._context), *control_activities(self._context)],
        )

    @property
    def task_slots(self) -> TaskSlots:
        """Slots for the tasks of a worker, of which a task that waits for health holds none."""
        return self._context.slots

    async def probe(self) -> None:
        """Render a template. Raises KudoError if that is not possible, so that no plan of this worker can continue."""
        await self._renderer.run("a probe of the worker", render_all, "kudo.dev/v1", {"probe": "{{ 1 }}"}, {})

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Configure a worker to run plans; a worker of a control queue is left as it is.

        Raises ConfigurationError if the client of the worker cannot read the inputs of plans.
        """
        if _is_control_queue(config["task_queue"]):
            return config
        _require_pydantic(config["client"].data_converter)
        return super().configure_worker(config)

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """Run a worker, and one of its control queue beside it.

        Raises ConfigurationError if Temporal does not have the search attributes of plans, and they cannot be added.
        """
        if _is_control_queue(worker.task_queue):
            await next(worker)
            return
        if self._has_run:
            raise RuntimeError("A KudoPlugin runs one worker once; create another plugin for another worker.")
        self._has_run = True
        await require_search_attributes(worker.client)
        _set_deadlock_timeout(worker)
        async with self._renderer, self._control_worker(worker):
            await next(worker)

    def _control_worker(self, worker: Worker) -> Worker:
        return Worker(
            worker.client,
            task_queue=control_queue(worker.task_queue),
            activities=control_activities(self._context),
            graceful_shutdown_timeout=SHUTDOWN,
        )


def _set_deadlock_timeout(worker: Worker) -> None:
    """Set DEADLOCK_TIMEOUT, unless the debug mode of the SDK has switched the detection off."""
    # Worker has no option for it: https://github.com/temporalio/sdk-python/issues/1050
    workflows = worker._workflow_worker
    if workflows and workflows._deadlock_timeout_seconds is not None:
        workflows._deadlock_timeout_seconds = int(DEADLOCK_TIMEOUT.total_seconds())


def _with_pydantic(existing: DataConverter | None) -> DataConverter:
    """Return a data converter for pydantic models, which keeps the payload codec of an existing one."""
    converter = PydanticPayloadConverter
    return replace(existing, payload_converter_class=converter) if existing else pydantic_data_converter


def _require_pydantic(converter: DataConverter) -> None:
    if not issubclass(converter.payload_converter_class, PydanticPayloadConverter):
        raise ConfigurationError(
            "The Temporal client of this worker cannot read plans. Connect it with plugins=[KudoPlugin(...)], and "
            "leave the plugin out of the worker; or connect it with data_converter=pydantic_data_converter."
        )


def _is_control_queue(task_queue: str) -> bool:
    return task_queue.endswith(control_queue(""))
