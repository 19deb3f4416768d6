"""The effect of each task outcome on its step, phase and plan, and on parallel steps, with a Temporal server."""

import pytest
from support.outcomes import events, recorded, tree, until_step, workflow_statuses
from support.plans import (
    CONFIG_MAP,
    FAILING_JOB,
    HANGING_POD,
    NAMESPACE,
    Installer,
    apply,
    dummy,
    phase,
    plan,
    write_package,
)
from support.rollouts import release_pod
from support.waiting import until
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from kudo.kubernetes import Cluster
from kudo.model.objects import ObjectRef
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("worker")


async def test_successful_plan_is_complete_and_recorded(installer: Installer) -> None:
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


async def test_transient_error_is_shown_on_step_and_retried(installer: Installer, sandbox: Sandbox) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("everything", ["config"])))},
        templates={"config.yaml": CONFIG_MAP},
    )
    sandbox.faults.fail(4, path_contains="/configmaps/test-config", message="the disk is full")
    run = await installer.deploy(package)
    failing = await until_step(run, ExecutionStatus.ERROR)
    assert tree(failing) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [IN_PROGRESS]",
        "      └── Phase main [IN_PROGRESS]",
        "         └── Step everything (ERROR)",
        "            └── reading ConfigMap default/test-config: the disk is full",
    ]
    outcome = await run.outcome()
    assert outcome.complete
    assert not outcome.status.failed_steps()


async def test_transient_error_does_not_stop_parallel_steps(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("fails", wantErr=True), dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["fails"]), ("b", ["done"]), strategy="parallel"))},
    )
    run = await installer.deploy(package)

    async def with_error_and_complete_step() -> PlanStatus | None:
        status = await run.status()
        steps = [step.status for phase in status.phases for step in phase.steps]
        return status if steps == ["ERROR", "COMPLETE"] else None

    assert (await until(with_error_and_complete_step)).status is ExecutionStatus.IN_PROGRESS


async def test_fatal_error_ends_plan_and_all_running_steps(installer: Installer, client: Client) -> None:
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
    message, *log = status.phases[1].steps[0].message.splitlines()
    assert message.startswith("Job default/test-job failed: BackoffLimitExceeded")
    assert tree(status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [FATAL_ERROR]",
        "      ├── Phase first [COMPLETE]",
        "      │  └── Step a (COMPLETE)",
        "      ├── Phase second [FATAL_ERROR]",
        "      │  ├── Step b (FATAL_ERROR)",
        *(f"      │  │  {branch}── {line}" for branch, line in zip("├" * len(log) + "└", [message, *log], strict=True)),
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


async def test_cancel_signal_cancels_plan(installer: Installer, client: Client) -> None:
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


async def test_temporal_cancel_during_retry_cancels_plan(installer: Installer, client: Client) -> None:
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


async def test_resume_skips_complete_steps(installer: Installer, sandbox: Sandbox) -> None:
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


async def test_plan_is_loaded_after_api_errors(installer: Installer, sandbox: Sandbox) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["done"])))},
    )
    await installer.install(package)
    sandbox.faults.fail(4, path_contains="/instances/test", message="the disk is full")
    run = await installer.start()

    async def with_message() -> PlanStatus | None:
        status = await run.status()
        return status if status.message else None

    assert tree(await until(with_message)) == [
        "└── test",
        "   └── Plan deploy [PENDING]",
        "      └── reading Instance default/test: the disk is full",
    ]
    outcome = await run.outcome()
    assert outcome.complete
    assert outcome.status.message == ""


async def test_plan_says_what_a_task_has_been_waiting_for(
    installer: Installer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan itself, not only the heartbeat of the task: the Web UI and the Instance show it."""
    monkeypatch.setattr("kudo.activities.attempt.LONG_WAIT", 0.1)
    package = write_package(
        installer.directory,
        tasks=[apply("pod", "pod.yaml"), dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["pod", "done"]), ("b", ["done"])))},
        templates={"pod.yaml": HANGING_POD},
    )
    run = await installer.deploy(package)

    async def says_so() -> bool:
        phases = (await run.status()).phases
        return bool(phases) and "Pod default/test-pod: " in phases[0].steps[0].message

    await until(says_so)

    async def is_recorded() -> bool:
        return "Pod default/test-pod: " in (await recorded(installer)).phases[0].steps[0].message

    await until(is_recorded)
    await release_pod(cluster, ObjectRef("v1", "Pod", NAMESPACE, "test-pod"))
    outcome = await run.outcome()
    assert outcome.complete
    assert [step.message for step in outcome.status.phases[0].steps] == ["", ""]
