"""Invalid requests and signals, and workflows or objects that somebody ends while a plan runs."""

import pytest
from support.outcomes import events, recorded, until_step
from support.plans import CONFIG_MAP, HANGING_POD, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from kudo.instances.resources import instance_ref
from kudo.model.objects import ObjectRef
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("worker")


async def test_step_with_duplicate_task_is_refused(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["done"])))},
    )
    await installer.install(package)
    twice = {"deploy": plan(phase("main", ("a", ["done", "done"])))}
    version = ObjectRef(API_VERSION, "OperatorVersion", NAMESPACE, "tested-1.0.0")
    await installer.cluster.patch(version, {"spec": {"plans": twice}})
    outcome = await (await installer.start()).outcome()
    assert (outcome.failure, outcome.message) == (
        "InvalidPlan",
        "The plan deploy has more than one task of main with the name 'a.done'.",
    )
    assert await events(installer) == {("Warning", "InvalidPlan")}


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_phase_with_more_parallel_tasks_than_server_limit_completes(installer: Installer) -> None:
    tasks = [dummy(f"task-{number}", done=True) for number in range(30)]
    steps = [(f"step-{number}", [str(task["name"]) for task in tasks]) for number in range(75)]
    package = write_package(
        installer.directory,
        tasks=tasks,
        plans={"deploy": plan(phase("main", *steps, strategy="parallel"))},
    )
    assert (await (await installer.deploy(package)).outcome()).complete


async def test_plan_cancelled_at_start_ends_cancelled(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("never")],
        plans={
            "deploy": plan(phase("main", ("a", ["never"])), strategy="parallel"),
            "empty": plan(),
        },
    )
    await installer.install(package)
    for name in ("deploy", "empty"):
        run = await installer.start(plan=name)
        await client.get_workflow_handle(run.workflow_id).cancel()
        assert (await run.outcome()).status.status is ExecutionStatus.CANCELLED


async def test_plan_with_invalid_input_fails(client: Client) -> None:
    for number, given in enumerate([{"namespace": "default", "plan": "deploy"}, {"unknown": 1}, "text", None]):
        handle = await client.start_workflow("Plan", given, id=f"default/bad-{number}", task_queue="kudo")
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, ApplicationError)
        assert failure.value.cause.type == "RequestError"
        assert failure.value.cause.message.startswith("The input is not a valid PlanRequest (")


async def test_invalid_progress_signals_are_ignored(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))}
    )
    run = await installer.deploy(package)
    handle = client.get_workflow_handle(run.workflow_id)
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    unknown_status = {"kind": "step", "phase": "main", "step": "a", "status": "NO_SUCH_STATUS"}
    unknown_step = {"kind": "task", "phase": "nowhere", "step": "b", "task": "c", "error": "away"}
    for message in (unknown_status, unknown_step, {"kind": "unknown"}, "text"):
        await handle.signal("report_progress", [message])
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    assert (await run.outcome()).status.status is ExecutionStatus.CANCELLED


async def test_scheduled_plan_runs_under_workflow_id_of_instance(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True), dummy("never")],
        plans={"deploy": plan(phase("main", ("a", ["done"]))), "stuck": plan(phase("main", ("a", ["never"])))},
    )
    await installer.install(package)
    request = {"namespace": NAMESPACE, "instance": "test", "plan": "deploy"}
    status = await client.execute_workflow(
        "ScheduledPlan", request, id="nightly-2026-11-23", task_queue="kudo", result_type=PlanStatus
    )
    assert status.status is ExecutionStatus.COMPLETE
    assert (await recorded(installer)).status is ExecutionStatus.COMPLETE
    await installer.start(plan="stuck")
    with pytest.raises(WorkflowFailureError) as failure:
        await client.execute_workflow("ScheduledPlan", request, id="nightly-2026-11-24", task_queue="kudo")
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "PlanAlreadyRunning"


@pytest.mark.parametrize("given", [{"namespace": "default", "plan": "deploy"}, "text", None])
async def test_schedule_with_invalid_input_fails(client: Client, given: object) -> None:
    with pytest.raises(WorkflowFailureError) as failure:
        await client.execute_workflow("ScheduledPlan", given, id="nightly", task_queue="kudo")
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "RequestError"


async def test_plan_under_another_id_than_its_instance_is_refused(client: Client) -> None:
    request = {"namespace": NAMESPACE, "instance": "test", "plan": "deploy"}
    with pytest.raises(WorkflowFailureError) as failure:
        await client.execute_workflow("Plan", request, id="nightly", task_queue="kudo")
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "RequestError"
    assert "must have the workflow ID default/test" in failure.value.cause.message


async def test_terminated_phase_fails_plan(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))}
    )
    run = await installer.deploy(package)
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    await client.get_workflow_handle(f"{run.workflow_id}/main").terminate("by hand")
    outcome = await run.outcome()
    assert outcome.failure == "Terminated"
    assert outcome.status.status is ExecutionStatus.FATAL_ERROR
    assert outcome.status.message
    assert [step.status for step in outcome.status.phases[0].steps] == ["CANCELLED"]


async def test_cancelled_phase_fails_plan(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))}
    )
    run = await installer.deploy(package)
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    await client.get_workflow_handle(f"{run.workflow_id}/main").cancel()
    outcome = await run.outcome()
    assert (outcome.failure, outcome.message) == (
        "PhaseCancelled",
        "The phase main was cancelled on its own. Cancel the plan instead.",
    )


async def test_plan_fails_if_its_instance_is_deleted(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("pod", "pod.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["pod"])))},
        templates={"pod.yaml": HANGING_POD},
    )
    run = await installer.deploy(package)
    await until(lambda: installer.get("v1", "Pod", "test-pod"))
    await installer.cluster.delete(instance_ref(NAMESPACE, "test"))
    outcome = await run.outcome()
    assert outcome.failure == "InstanceNotFound"


async def test_denied_access_fails_plan_after_grace_period(installer: Installer, sandbox: Sandbox) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("both", "namespace.yaml", "config.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["both"])))},
        templates={
            "namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\n",
            "config.yaml": CONFIG_MAP,
        },
    )
    sandbox.faults.fail(1000, status=403, reason="Forbidden", path_contains="/configmaps", message="you may not")
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "AccessDenied"
    assert outcome.status.phases[0].steps[0].message == "reading ConfigMap default/test-config: you may not"
