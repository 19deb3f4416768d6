"""What each outcome of a task does to its step, phase and plan, and to those beside it, for real."""

import pytest
from support.outcomes import events, recorded, tree, until_step, workflow_statuses
from support.plans import CONFIG_MAP, FAILING_JOB, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("worker")


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
    sandbox.faults.fail(4, path_contains="/configmaps/test-config", message="the disk is full")
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


async def test_an_api_that_is_away_while_a_plan_is_loaded(installer: Installer, sandbox: Sandbox) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["done"])))},
    )
    await installer.install(package)
    sandbox.faults.fail(4, path_contains="/instances/test", message="the disk is full")
    run = await installer.start()

    async def look() -> PlanStatus | None:
        seen = await run.status()
        return seen if seen.message else None

    assert tree(await until(look)) == [
        "└── test",
        "   └── Plan deploy [PENDING]",
        "      └── reading Instance default/test: the disk is full",
    ]
    outcome = await run.outcome()
    assert outcome.complete
    assert outcome.status.message == ""
