"""What each outcome of a task does to its step, phase and plan, and to those beside it, for real."""

import asyncio

import pytest
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from kudo.client import Run
from kudo.instances.resources import instance_ref, read_instance
from kudo.model.objects import ObjectRef
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tree import status_tree
from kudo.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("worker")

FAILING_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ Name }}-job
  annotations:
    sandbox.kudo.dev/rollout: fail
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: busybox
"""

HANGING_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ Name }}-pod
  annotations:
    sandbox.kudo.dev/rollout: hang
spec:
  containers:
    - name: main
      image: busybox
"""


def tree(status: PlanStatus) -> list[str]:
    return status_tree("test", status).splitlines()


async def recorded(installer: Installer, plan: str = "deploy") -> PlanStatus:
    return (await read_instance(installer.cluster, NAMESPACE, "test")).status.plan_status[plan]


async def until_step(run: Run, status: ExecutionStatus) -> PlanStatus:
    """Wait until some step has a status."""

    async def look() -> PlanStatus | None:
        seen = await run.status()
        return seen if any(step.status is status for phase in seen.phases for step in phase.steps) else None

    return await until(look)


async def test_success(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml"), dummy("done", done=True)],
        plans={"deploy": plan(phase("one", ("a", ["config"]), ("b", ["done"])), phase("two", ("c", [])))},
        templates={"config.yaml": CONFIG_MAP},
    )
    run = await installer.deploy(package)
    outcome = await run.outcome()
    assert outcome.complete
    assert tree(outcome.status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [COMPLETE]",
        "      ├── Phase one [COMPLETE]",
        "      │  ├── Step a (COMPLETE)",
        "      │  └── Step b (COMPLETE)",
        "      └── Phase two [COMPLETE]",
        "         └── Step c (COMPLETE)",
    ]
    assert await recorded(installer) == outcome.status
    config = await installer.get("v1", "ConfigMap", "test-config")
    assert config is not None
    assert config.annotations["kudo.dev/last-plan-execution-uid"] == run.run_id == outcome.status.uid
    assert await events(installer) == {("Normal", "PlanStarted"), ("Normal", "PlanFinished")}


async def test_transient_error_shows_on_the_step_alone_and_heals(installer: Installer, sandbox: Sandbox) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("everything", ["config"])))},
        templates={"config.yaml": CONFIG_MAP},
    )
    sandbox.faults.fail(2, path_contains="/configmaps/test-config", message="the disk is full")
    run = await installer.deploy(package)
    failing = await until_step(run, ExecutionStatus.ERROR)
    assert tree(failing) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [IN_PROGRESS]",
        "      └── Phase main [IN_PROGRESS]",
        "         └── Step everything (ERROR)",
        "            └── applying ConfigMap default/test-config: the disk is full",
    ]
    outcome = await run.outcome()
    assert outcome.complete
    assert not outcome.status.failed_steps()


async def test_transient_error_in_a_parallel_phase_lets_the_others_go_on(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("fails", wantErr=True), dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["fails"]), ("b", ["done"]), strategy="parallel"))},
    )
    run = await installer.deploy(package)

    async def look() -> PlanStatus | None:
        status = await run.status()
        steps = [step.status for phase in status.phases for step in phase.steps]
        return status if steps == ["ERROR", "COMPLETE"] else None

    assert (await until(look)).status is ExecutionStatus.IN_PROGRESS


async def test_fatal_error_ends_the_whole_tree(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("job", "job.yaml"), dummy("never"), dummy("done", done=True)],
        plans={
            "deploy": plan(
                phase("first", ("a", ["done"])),
                phase("second", ("b", ["job"]), ("c", ["never"]), strategy="parallel"),
                phase("third", ("d", ["done"])),
            )
        },
        templates={"job.yaml": FAILING_JOB},
    )
    run = await installer.deploy(package)
    with pytest.raises(WorkflowFailureError) as failure:
        await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).result()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.non_retryable) == ("FailedTerminalStateError", True)
    status = PlanStatus.model_validate(cause.details[0])
    message = status.phases[1].steps[0].message
    assert message.startswith("Job default/test-job failed: BackoffLimitExceeded")
    assert tree(status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [FATAL_ERROR]",
        "      ├── Phase first [COMPLETE]",
        "      │  └── Step a (COMPLETE)",
        "      ├── Phase second [FATAL_ERROR]",
        "      │  ├── Step b (FATAL_ERROR)",
        f"      │  │  └── {message}",
        "      │  └── Step c (CANCELLED)",
        "      └── Phase third [PENDING]",
        "         └── Step d (PENDING)",
    ]
    assert await recorded(installer) == status
    assert await workflow_statuses(client) == {
        "default/test": WorkflowExecutionStatus.FAILED,
        "default/test/first": WorkflowExecutionStatus.COMPLETED,
        "default/test/second": WorkflowExecutionStatus.FAILED,
    }
    assert ("Warning", "FailedTerminalStateError") in await events(installer)


async def test_cancel_by_signal(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("never"), dummy("done", done=True)],
        plans={
            "deploy": plan(
                phase("first", ("a", ["done"]), ("b", ["never"]), ("c", ["done"])),
                phase("second", ("d", ["done"])),
            )
        },
    )
    run = await installer.deploy(package)
    await until_step(run, ExecutionStatus.COMPLETE)
    await installer.plans.cancel(NAMESPACE, "test", "it takes too long")
    outcome = await run.outcome()
    assert (outcome.failure, outcome.message) == ("Cancelled", "it takes too long")
    assert tree(outcome.status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [CANCELLED]",
        "      ├── it takes too long",
        "      ├── Phase first [CANCELLED]",
        "      │  ├── Step a (COMPLETE)",
        "      │  ├── Step b (CANCELLED)",
        "      │  └── Step c (PENDING)",
        "      └── Phase second [PENDING]",
        "         └── Step d (PENDING)",
    ]
    assert await recorded(installer) == outcome.status
    assert await workflow_statuses(client) == {
        "default/test": WorkflowExecutionStatus.CANCELED,
        "default/test/first": WorkflowExecutionStatus.CANCELED,
    }


async def test_cancel_by_temporal_while_a_task_is_retried(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("fails", wantErr=True)],
        plans={"deploy": plan(phase("main", ("a", ["fails"])), strategy="parallel")},
    )
    run = await installer.deploy(package)
    await until_step(run, ExecutionStatus.ERROR)
    await client.get_workflow_handle(run.workflow_id).cancel()
    outcome = await run.outcome()
    assert outcome.status.status is ExecutionStatus.CANCELLED
    assert outcome.status.phases[0].steps[0].status is ExecutionStatus.CANCELLED


async def test_resume_skips_what_is_complete(installer: Installer, sandbox: Sandbox) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml"), apply("job", "job.yaml")],
        plans={"deploy": plan(phase("one", ("a", ["config"])), phase("two", ("b", ["job"])))},
        templates={"config.yaml": CONFIG_MAP, "job.yaml": FAILING_JOB},
    )
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "FailedTerminalStateError"
    sandbox.requests.clear()
    resumed = await (await installer.start(resume=True)).outcome()
    assert resumed.failure == "FailedTerminalStateError"
    assert [phase.status for phase in resumed.status.phases] == ["COMPLETE", "FATAL_ERROR"]
    assert not [path for method, path, _ in sandbox.requests if method == "PATCH" and "configmaps" in path]


async def workflow_statuses(client: Client) -> dict[str, WorkflowExecutionStatus | None]:
    """The last status of every workflow of the test's instance."""
    seen: dict[str, WorkflowExecutionStatus | None] = {}
    for _ in range(100):
        listed = [item async for item in client.list_workflows()]
        newest = sorted(listed, key=lambda item: item.start_time)
        seen = {item.id: item.status for item in newest if item.start_time >= _run_start(newest)}
        if WorkflowExecutionStatus.RUNNING not in seen.values():
            break
        await asyncio.sleep(0.05)
    return seen


def _run_start(listed: list) -> object:  # type: ignore[type-arg]
    return max(item.start_time for item in listed if item.id == "default/test")


async def events(installer: Installer) -> set[tuple[str, str]]:
    found = await installer.cluster.list("v1", "Event", NAMESPACE)
    return {
        (event.text("type"), event.text("reason"))
        for event in found
        if event.text("involvedObject", "kind") == "Instance"
    }


async def test_a_task_that_is_there_twice_is_refused(installer: Installer) -> None:
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


async def test_more_tasks_at_once_than_the_server_takes(installer: Installer) -> None:
    tasks = [dummy(f"task-{number}", done=True) for number in range(30)]
    steps = [(f"step-{number}", [str(task["name"]) for task in tasks]) for number in range(75)]
    package = write_package(
        installer.directory,
        tasks=tasks,
        plans={"deploy": plan(phase("main", *steps, strategy="parallel"))},
    )
    assert (await (await installer.deploy(package)).outcome()).complete


async def test_cancel_at_once(installer: Installer, client: Client) -> None:
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


async def test_an_input_that_is_no_request(client: Client) -> None:
    for number, given in enumerate([{"namespace": "default", "plan": "deploy"}, {"unknown": 1}, "text", None]):
        handle = await client.start_workflow("Plan", given, id=f"default/bad-{number}", task_queue="kudo")
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, ApplicationError)
        assert failure.value.cause.type == "RequestError"
        assert failure.value.cause.message.startswith("The input is no request for a plan (")


async def test_a_signal_that_is_none_does_no_harm(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))}
    )
    run = await installer.deploy(package)
    handle = client.get_workflow_handle(run.workflow_id)
    await until_step(run, ExecutionStatus.IN_PROGRESS)
    await handle.signal("steps_changed", [{"phase": "main", "step": "a", "status": "NO_SUCH_STATUS"}])
    await handle.signal("steps_changed", [{"phase": "nowhere", "step": "b", "status": "ERROR"}])
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    assert (await run.outcome()).status.status is ExecutionStatus.CANCELLED


async def test_what_a_schedule_starts_runs_under_the_id_of_the_instance(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True), dummy("never")],
        plans={"deploy": plan(phase("main", ("a", ["done"]))), "stuck": plan(phase("main", ("a", ["never"])))},
    )
    await installer.install(package)
    request = {"namespace": NAMESPACE, "instance": "test", "plan": "deploy"}
    status = await client.execute_workflow(
        "Plan", request, id="nightly-2026-11-23", task_queue="kudo", result_type=PlanStatus
    )
    assert status.status is ExecutionStatus.COMPLETE
    assert (await recorded(installer)).status is ExecutionStatus.COMPLETE
    await installer.start(plan="stuck")
    with pytest.raises(WorkflowFailureError) as failure:
        await client.execute_workflow("Plan", request, id="nightly-2026-11-24", task_queue="kudo")
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "PlanAlreadyRunning"


async def test_a_phase_that_somebody_terminates(installer: Installer, client: Client) -> None:
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


async def test_a_phase_that_somebody_cancels(installer: Installer, client: Client) -> None:
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


async def test_an_instance_that_is_deleted_while_its_plan_runs(installer: Installer) -> None:
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


async def test_the_grace_of_what_is_refused_ends(installer: Installer, sandbox: Sandbox) -> None:
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
    assert outcome.status.phases[0].steps[0].message == "applying ConfigMap default/test-config: you may not"
