"""Tasks that succeed although they are cancelled, and tasks that never receive a cancellation."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from support.outcomes import tree, until_step
from support.plans import NAMESPACE, Installer, dummy, phase, plan, write_package
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from kudo.activities import ActivityContext, control_activities
from kudo.kubernetes import Cluster
from kudo.model.execution import TaskRequest
from kudo.model.status import ExecutionStatus
from kudo.plugin import workflow_runner
from kudo.templates import Renderer
from kudo.worker import CANCEL_LATENCY
from kudo.workflows import WORKFLOWS
from kudo.workflows.options import control_queue


@activity.defn(name="dummy")
async def stubborn(request: TaskRequest) -> str:
    """Succeed when the task is cancelled."""
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return "done all the same"


@activity.defn(name="dummy")
async def unresponsive(request: TaskRequest) -> str:
    """Never end, as if the worker of the task were gone; only a task with a fatal name fails."""
    if "fatal" in request.task.name:
        raise ApplicationError("for good", type="DummyTaskError", non_retryable=True)
    await asyncio.Event().wait()
    return ""


Activities = list[Callable[..., object]]


@pytest.fixture
async def control(client: Client, cluster: Cluster, renderer: Renderer) -> AsyncIterator[Activities]:
    """The control activities, which a worker runs that is in the background."""
    activities = control_activities(ActivityContext(cluster, renderer))
    async with Worker(client, task_queue=control_queue("kudo"), activities=activities):
        yield activities


async def cancelled_plan_tree(
    installer: Installer, client: Client, control: Activities, *steps: tuple[str, list[str]]
) -> list[str]:
    """Cancel a plan in its first step, and return its tree."""
    package = write_package(
        installer.directory,
        tasks=[dummy("one"), dummy("two")],
        plans={"deploy": plan(phase("main", *steps))},
    )
    async with Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[stubborn, *control],
        workflow_runner=workflow_runner(),
        max_heartbeat_throttle_interval=CANCEL_LATENCY,
    ):
        run = await installer.deploy(package)
        await until_step(run, ExecutionStatus.IN_PROGRESS)
        await installer.plans.cancel(NAMESPACE, "test", "enough")
        return tree((await run.outcome()).status)


async def test_step_after_late_success_does_not_start(
    installer: Installer, client: Client, control: Activities
) -> None:
    assert await cancelled_plan_tree(installer, client, control, ("a", ["one", "two"]), ("b", ["one"])) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [CANCELLED]",
        "      ├── enough",
        "      └── Phase main [CANCELLED]",
        "         ├── Step a (COMPLETE)",
        "         └── Step b (PENDING)",
    ]


async def test_plan_is_complete_after_late_success_of_last_step(
    installer: Installer, client: Client, control: Activities
) -> None:
    assert await cancelled_plan_tree(installer, client, control, ("a", ["one", "two"])) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [COMPLETE]",
        "      └── Phase main [COMPLETE]",
        "         └── Step a (COMPLETE)",
    ]


async def test_failed_plan_does_not_wait_for_unresponsive_task(
    installer: Installer, client: Client, control: Activities
) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("never"), dummy("fatal")],
        plans={"deploy": plan(phase("main", ("a", ["never"]), ("b", ["fatal"]), strategy="parallel"))},
    )
    async with Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[unresponsive, *control],
        workflow_runner=workflow_runner(),
    ):
        outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), 30)
    assert (outcome.failure, outcome.message) == ("DummyTaskError", "for good")
    assert [step.status for step in outcome.status.phases[0].steps] == ["CANCELLED", "FATAL_ERROR"]
