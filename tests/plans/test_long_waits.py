"""Tasks that wait for longer than their own activity does: the activity `wait` continues it."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from support.objects import NAMESPACE
from support.plans import HANGING_DEPLOYMENT, HANGING_JOB, Content, Installer, apply, delete, phase, plan, write_package
from support.rollouts import roll_out
from support.waiting import until
from temporalio.client import Client
from temporalio.service import RPCError

from kudo.client import Run
from kudo.kubernetes import Cluster
from kudo.model.objects import Object
from kudo.model.status import ExecutionStatus
from kudo.templates import Renderer
from kudo.worker import read_settings, running

HELD = {"metadata": {"finalizers": ["example.com/held"]}}
RELEASED = {"metadata": {"finalizers": None}}


@pytest.fixture
def impatient(
    client: Client, cluster: Cluster, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractAsyncContextManager[object]]:
    """Runs a worker whose tasks wait for a moment in their own activities."""
    monkeypatch.setattr("kudo.plugin.Renderer", lambda: renderer)
    monkeypatch.setattr("kudo.worker.SHUTDOWN", timedelta(0))
    settings = read_settings().model_copy(update={"wait_limit": timedelta(milliseconds=200)})
    return lambda: running(client, cluster, settings=settings)


@pytest.fixture
async def impatient_worker(impatient: Callable[[], AbstractAsyncContextManager[object]]) -> AsyncIterator[None]:
    async with impatient():
        yield


def package(directory: Path, template: str = HANGING_DEPLOYMENT, **task: object) -> Path:
    tasks: list[Content] = [{**apply("it", "it.yaml"), **task}, delete("gone", "it.yaml")]
    return write_package(
        directory,
        tasks=tasks,
        plans={"deploy": plan(phase("main", ("a", ["it"]))), "remove": plan(phase("main", ("a", ["gone"])))},
        templates={"it.yaml": template},
    )


async def until_waits(client: Client) -> None:
    """Wait until the wait of the task is an activity of its own."""

    async def waits() -> bool:
        try:
            phase = await client.get_workflow_handle(f"{NAMESPACE}/test/main").describe()
        except RPCError:
            return False  # The phase has not started yet.
        return any(
            activity.activity_type.name == "wait" and activity.HasField("heartbeat_details")
            for activity in phase.raw_description.pending_activities
        )

    await until(waits)


async def activities(client: Client) -> dict[str, int]:
    """Return how many activities of each type the phase had."""
    history = await client.get_workflow_handle(f"{NAMESPACE}/test/main").fetch_history()
    started = [event.activity_task_scheduled_event_attributes for event in history.events]
    return Counter(event.activity_type.name for event in started if event.activity_type.name)


async def live(installer: Installer) -> Object:
    return await until(lambda: installer.get("apps/v1", "Deployment", "test"))


@pytest.mark.usefixtures("impatient_worker")
async def test_long_wait_ends_when_the_object_is_healthy(installer: Installer, client: Client) -> None:
    run = await installer.deploy(package(installer.directory))
    await until_waits(client)
    await roll_out(installer.cluster, "test")
    outcome = await run.outcome()
    assert outcome.complete, outcome
    assert await activities(client) == {"apply": 1, "wait": 1}


@pytest.mark.usefixtures("impatient_worker")
async def test_step_says_what_a_long_wait_waits_for(
    installer: Installer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kudo.activities.attempt.LONG_WAIT", 0.1)
    run = await installer.deploy(package(installer.directory))
    await until_waits(client)

    async def says_so() -> bool:
        return "Deployment default/test: " in (await run.status()).phases[0].steps[0].message

    await until(says_so)
    await roll_out(installer.cluster, "test")
    outcome = await run.outcome()
    assert outcome.complete
    assert outcome.status.phases[0].steps[0].message == ""


async def cancelled(installer: Installer, run: Run) -> ExecutionStatus:
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    return (await run.outcome()).status.phases[0].steps[0].status


@pytest.mark.usefixtures("impatient_worker")
async def test_long_wait_is_cancelled(installer: Installer, client: Client) -> None:
    run = await installer.deploy(package(installer.directory))
    await until_waits(client)
    assert await cancelled(installer, run) is ExecutionStatus.CANCELLED
    # The wait that goes on in the worker keeps neither the next run nor the object.
    again = await installer.start()
    await until_waits(client)
    await roll_out(installer.cluster, "test")
    assert (await again.outcome()).complete


@pytest.mark.usefixtures("impatient_worker")
async def test_object_that_is_deleted_during_a_long_wait_is_applied_again(installer: Installer, client: Client) -> None:
    run = await installer.deploy(package(installer.directory))
    await until_waits(client)
    before = await live(installer)
    await installer.cluster.delete(before.ref, uid=before.uid)

    async def applied_again() -> bool:
        found = await installer.get("apps/v1", "Deployment", "test")
        return found is not None and found.uid != before.uid

    await until(applied_again)
    await until_waits(client)
    await roll_out(installer.cluster, "test")
    assert (await run.outcome()).complete
    assert await activities(client) == {"apply": 2, "wait": 2}


@pytest.mark.usefixtures("impatient_worker")
async def test_deadline_ends_a_long_wait(installer: Installer) -> None:
    run = await installer.deploy(package(installer.directory, timeout="3s"))
    outcome = await run.outcome()
    assert outcome.failure == "TimedOut"
    assert "Deployment default/test: " in outcome.message


async def test_long_wait_continues_in_another_worker(
    installer: Installer, client: Client, impatient: Callable[[], AbstractAsyncContextManager[object]]
) -> None:
    async with impatient():
        run = await installer.deploy(package(installer.directory))
        await until_waits(client)
    async with impatient():
        await roll_out(installer.cluster, "test")
        assert (await run.outcome()).complete
    assert await activities(client) == {"apply": 1, "wait": 1}


@pytest.mark.usefixtures("impatient_worker")
async def test_long_deletion_is_awaited(installer: Installer, client: Client) -> None:
    run = await installer.deploy(package(installer.directory))
    await roll_out(installer.cluster, "test")
    assert (await run.outcome()).complete
    held = await installer.cluster.patch((await live(installer)).ref, HELD)
    assert held is not None
    removing = await installer.start(plan="remove")
    await until_waits(client)
    await installer.cluster.patch(held.ref, RELEASED)
    assert (await removing.outcome()).complete
    assert await installer.get("apps/v1", "Deployment", "test") is None
    assert await activities(client) == {"delete": 1, "wait": 1}


@pytest.mark.usefixtures("impatient_worker")
async def test_job_is_awaited_by_its_own_activity(installer: Installer, client: Client) -> None:
    """It may be deleted as soon as it has ended, and another activity would run it again."""
    run = await installer.deploy(package(installer.directory, HANGING_JOB))
    await until(lambda: installer.get("batch/v1", "Job", "test"))
    await roll_out(installer.cluster, "test")
    assert (await run.outcome()).complete
    assert await activities(client) == {"apply": 1}
