"""Control of a plan: pause, approval, conditions, and the step that a run starts from."""

import asyncio
from collections.abc import Mapping

import pytest
from support.outcomes import events, recorded, until_step
from support.plans import CONFIG_MAP, HANGING_POD, NAMESPACE, Installer, apply, dummy, phase, plan, step, write_package
from support.rollouts import release_pod
from support.waiting import until
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from kudo.client import Run
from kudo.errors import RequestError
from kudo.kubernetes import Cluster
from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.sandbox import Sandbox
from kudo.worker import running

PODS = {"pod.yaml": HANGING_POD}
TASKS = [dummy("done", done=True), dummy("never"), dummy("fatal", wantErr=True, fatal=True), apply("pod", "pod.yaml")]


async def deploy(installer: Installer, spec: Mapping[str, object], **parameters: str) -> Run:
    package = write_package(
        installer.directory,
        tasks=TASKS,
        plans={"deploy": spec},
        params=[{"name": "ON", "default": "true", "type": "boolean"}, {"name": "SIZE", "default": "small"}],
        templates={"pod.yaml": HANGING_POD, "config.yaml": CONFIG_MAP},
    )
    return await installer.deploy(package, **parameters)


def statuses(status: PlanStatus) -> list[str]:
    return [step.status for phase in status.phases for step in phase.steps]


async def release_test_pod(cluster: Cluster, installer: Installer) -> None:
    pod = await until(lambda: installer.get("v1", "Pod", "test-pod"))
    await release_pod(cluster, pod.ref)


async def until_paused(run: Run, paused: bool = True) -> PlanStatus:
    async def with_pause() -> PlanStatus | None:
        status = await run.status()
        return status if status.paused is paused else None

    return await until(with_pause)


async def until_statuses(run: Run, wanted: list[str]) -> PlanStatus:
    async def with_statuses() -> PlanStatus | None:
        status = await run.status()
        return status if statuses(status) == wanted else None

    return await until(with_statuses)


@pytest.mark.parametrize("strategy", ["serial", "parallel"])
async def test_paused_plan_finishes_running_steps_and_starts_none(
    installer: Installer, client: Client, cluster: Cluster, strategy: str
) -> None:
    parts = [phase("one", ("a", ["pod"]), ("b", ["done"])), phase("two", ("c", ["pod"]), ("d", ["done"]))]
    async with running(client, cluster):
        run = await deploy(installer, plan(*parts, strategy=strategy))
        begun = {"serial": ["IN_PROGRESS", *["PENDING"] * 3], "parallel": ["IN_PROGRESS", "PENDING"] * 2}[strategy]
        await until_statuses(run, begun)
        await installer.plans.pause(NAMESPACE, "test", "lunch")
        await until_paused(run)
        finished = {"serial": ["COMPLETE", *["PENDING"] * 3], "parallel": ["COMPLETE", "PENDING"] * 2}[strategy]

        async def paused_with_finished_steps() -> PlanStatus | None:
            # The phase that applies the Pod last makes it hang again.
            await release_test_pod(cluster, installer)
            status = await run.status()
            return status if statuses(status) == finished else None

        paused = await until(paused_with_finished_steps)
        assert (paused.status, paused.paused) == (ExecutionStatus.IN_PROGRESS, True)
    # Another worker restores the pause from the history.
    async with running(client, cluster):
        await until(lambda: recorded_as_paused(installer))
        await asyncio.sleep(1)
        assert statuses(await until(run.status)) == finished
        await installer.plans.unpause(NAMESPACE, "test", "")
        outcome = await asyncio.wait_for(run.outcome(), 30)
    assert outcome.complete
    assert not outcome.status.paused
    assert {("Normal", "PlanPaused"), ("Normal", "PlanResumed")} <= await events(installer)


async def recorded_as_paused(installer: Installer) -> bool:
    return (await recorded(installer)).paused


@pytest.mark.usefixtures("worker")
async def test_paused_plan_can_be_cancelled(installer: Installer) -> None:
    run = await deploy(installer, plan(phase("one", ("a", ["never"]), ("b", ["done"]))))
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    await installer.plans.pause(NAMESPACE, "test", "")
    await until_paused(run)
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    outcome = await asyncio.wait_for(run.outcome(), 30)
    assert (outcome.status.status, outcome.status.paused) == (ExecutionStatus.CANCELLED, False)
    assert statuses(outcome.status) == ["CANCELLED", "PENDING"]


@pytest.mark.usefixtures("worker")
async def test_timeout_does_not_count_paused_time(installer: Installer, cluster: Cluster) -> None:
    run = await deploy(installer, plan(phase("one", ("a", ["pod"]), ("b", ["done"])), timeout="8s"))
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    await installer.plans.pause(NAMESPACE, "test", "")
    await until_paused(run)
    await release_test_pod(cluster, installer)
    await until_step(run, ExecutionStatus.COMPLETE)
    await asyncio.sleep(9)
    await installer.plans.unpause(NAMESPACE, "test", "")
    assert (await asyncio.wait_for(run.outcome(), 30)).complete


@pytest.mark.usefixtures("worker")
async def test_pause_before_plan_is_loaded_takes_effect(installer: Installer, client: Client, sandbox: Sandbox) -> None:
    """The pause is applied and shown, and does not extend the timeout of the plan."""
    deploy = plan(phase("one", ("a", ["never"])), timeout="2s")
    await installer.install(write_package(installer.directory, tasks=TASKS, plans={"deploy": deploy}, templates=PODS))
    sandbox.faults.fail(2, path_contains="/instances/test", message="the API is away")
    run = await installer.start()
    await installer.plans.pause(NAMESPACE, "test", "")
    await until_paused(run)
    assert statuses(await until_loaded(run)) == ["PENDING"]
    described = await client.get_workflow_handle(run.workflow_id).describe()
    assert described.typed_search_attributes.get(SearchAttributeKey.for_keyword("KudoStatus")) == "PAUSED"
    await installer.plans.unpause(NAMESPACE, "test", "")
    outcome = await asyncio.wait_for(run.outcome(), 30)
    assert outcome.failure == "TimedOut"
    step = outcome.status.phases[0].steps[0]
    assert step.start_time is not None
    assert step.completion_time is not None
    assert (step.completion_time - step.start_time).total_seconds() < 4


async def until_loaded(run: Run) -> PlanStatus:
    async def loaded_status() -> PlanStatus | None:
        status = await run.status()
        return status if status.phases else None

    return await until(loaded_status)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("reason", [5, {"a": 1}, None, ["x"]])
async def test_cancel_reason_that_is_not_a_string_is_accepted(
    installer: Installer, client: Client, reason: object
) -> None:
    run = await deploy(installer, plan(phase("one", ("a", ["never"]))))
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    await client.get_workflow_handle(run.workflow_id).signal("cancel", reason)
    outcome = await asyncio.wait_for(run.outcome(), 30)
    assert outcome.status.status is ExecutionStatus.CANCELLED
    assert outcome.status.message == ("" if reason is None else str(reason))


APPROVED = plan(phase("one", ("a", ["done"]), step("b", "done", approval=True), ("c", ["done"])))


@pytest.mark.usefixtures("worker")
async def test_step_waits_for_approval(installer: Installer) -> None:
    run = await deploy(installer, APPROVED)
    assert statuses(await until_step(run, ExecutionStatus.WAITING_APPROVAL)) == [
        "COMPLETE",
        "WAITING_APPROVAL",
        "PENDING",
    ]
    with pytest.raises(RequestError, match=r"The step one\.a does not wait for approval. Steps that wait: one\.b"):
        await installer.plans.decide(NAMESPACE, "test", Approval(step="one.a", by="ann"), approved=True)
    await installer.plans.decide(NAMESPACE, "test", Approval(by="ann", reason="looks good"), approved=True)
    outcome = await asyncio.wait_for(run.outcome(), 30)
    assert outcome.complete
    found = await installer.cluster.list("v1", "Event", NAMESPACE)
    assert "The step one.b was approved by ann: looks good" in [event.text("message") for event in found]


@pytest.mark.usefixtures("worker")
async def test_refused_approval_fails_step(installer: Installer) -> None:
    run = await deploy(installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await installer.plans.decide(NAMESPACE, "test", Approval(step="one.b", by="bob", reason="too late"), approved=False)
    outcome = await asyncio.wait_for(run.outcome(), 30)
    assert outcome.failure == "ApprovalRefused"
    assert statuses(outcome.status) == ["COMPLETE", "FATAL_ERROR", "PENDING"]
    assert outcome.status.phases[0].steps[1].message == "Refused by bob: too late"


@pytest.mark.usefixtures("worker")
async def test_signal_approves_step_and_invalid_signals_are_ignored(installer: Installer, client: Client) -> None:
    run = await deploy(installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    handle = client.get_workflow_handle(run.workflow_id)
    await handle.signal("approve", {"step": "no.such", "by": "ann"})
    await handle.signal("approve", {"nonsense": True})
    await handle.signal("approve", {"by": "ann"})
    assert (await asyncio.wait_for(run.outcome(), 30)).complete


@pytest.mark.usefixtures("worker")
async def test_missing_approval_times_out(installer: Installer) -> None:
    waits = step("b", "done", approval=True, timeout="3s")
    outcome = await asyncio.wait_for((await deploy(installer, plan(phase("one", waits)))).outcome(), 30)
    assert outcome.failure == "TimedOut"
    assert outcome.message == (
        "The step one.b did not complete within its timeout of 3s. Last state: it waited for an approval"
    )


@pytest.mark.usefixtures("worker")
async def test_plan_that_waits_for_approval_can_be_cancelled(installer: Installer) -> None:
    run = await deploy(installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await installer.plans.cancel(NAMESPACE, "test", "")
    assert statuses((await run.outcome()).status) == ["COMPLETE", "CANCELLED", "PENDING"]


CONDITIONAL = plan(
    phase("one", ("a", ["done"]), step("b", "fatal", when="Params.SIZE == 'large'"), step("c", "sometimes")),
    phase("two", ("d", ["fatal"]), when="not (Params.ON | bool)"),
    phase("three", step("e", "fatal", when="Params.SIZE == 'large'")),
)


@pytest.mark.usefixtures("worker")
async def test_parts_with_unmet_conditions_are_skipped(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[*TASKS, {**dummy("sometimes", wantErr=True, fatal=True), "when": "Params.ON == 'false'"}],
        plans={"deploy": CONDITIONAL},
        params=[{"name": "ON", "default": "true", "type": "boolean"}, {"name": "SIZE", "default": "small"}],
        templates=PODS,
    )
    outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), 30)
    assert outcome.complete
    assert statuses(outcome.status) == ["COMPLETE", "SKIPPED", "SKIPPED", "SKIPPED", "SKIPPED"]
    assert [part.status for part in outcome.status.phases] == ["COMPLETE", "SKIPPED", "SKIPPED"]
    assert await recorded(installer) == outcome.status


@pytest.mark.usefixtures("worker")
async def test_invalid_condition_fails_plan_before_it_starts(installer: Installer) -> None:
    outcome = await (
        await deploy(installer, plan(phase("one", ("a", ["done"]), step("b", when="Params.SIZ"))))
    ).outcome()
    assert outcome.failure == "TaskRenderingError"
    assert outcome.message == "plans.deploy.one.b.when: 'SIZ' is undefined"


@pytest.mark.usefixtures("worker")
async def test_run_starts_from_given_step(installer: Installer) -> None:
    spec = plan(phase("one", ("a", ["fatal"])), phase("two", ("b", ["fatal"]), ("c", ["done"])), phase("three"))
    await (await deploy(installer, spec)).outcome()
    outcome = await (await installer.start(start_from="two.c")).outcome()
    assert outcome.complete
    assert statuses(outcome.status) == ["SKIPPED", "SKIPPED", "COMPLETE"]
    outcome = await (await installer.start(start_from="two.d")).outcome()
    assert outcome.failure == "InvalidPlan"
    assert outcome.message == "The plan deploy has no phase or step 'two.d'. Its steps: one.a, two.b, two.c."
