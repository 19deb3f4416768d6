"""Plans that fail or are cancelled while no worker runs: they end as they would with a worker."""

import asyncio

from support.object_recorder import ObjectRecorder
from support.outcomes import events, recorded, tree, until_step
from support.plans import FAILING_JOB, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.waiting import until
from support.workers import WorkerProcess

from kudo.client import Outcome, Run
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.sandbox import Sandbox

PATIENCE = 90
"""Maximum seconds until a plan that lost its worker has ended."""


async def outcome_of(run: Run) -> Outcome:
    return await asyncio.wait_for(run.outcome(), PATIENCE)


async def deploy_with_failing_job(installer: Installer) -> Run:
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
    return await installer.deploy(package)


async def test_plan_fails_if_job_failed_while_no_worker_ran(installer: Installer, sandbox: Sandbox) -> None:
    async with ObjectRecorder.of(sandbox.url) as recorder, WorkerProcess() as worker:
        run = await deploy_with_failing_job(installer)
        await recorder.appeared("test-job")
        await worker.kill()
        await recorder.failed("test-job")
        await worker.start()
        outcome = await outcome_of(run)
        assert recorder.rewritten("test-") == recorder.deleted == []
    assert outcome.failure == "FailedTerminalStateError"
    message = outcome.status.phases[1].steps[0].message
    assert message.startswith("Job default/test-job failed: BackoffLimitExceeded")
    reason, log = message.splitlines()
    assert tree(outcome.status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [FATAL_ERROR]",
        "      ├── Phase first [COMPLETE]",
        "      │  └── Step a (COMPLETE)",
        "      ├── Phase second [FATAL_ERROR]",
        "      │  ├── Step b (FATAL_ERROR)",
        f"      │  │  ├── {reason}",
        f"      │  │  └── {log}",
        "      │  └── Step c (CANCELLED)",
        "      └── Phase third [PENDING]",
        "         └── Step d (PENDING)",
    ]
    assert await recorded(installer) == outcome.status
    assert ("Warning", "FailedTerminalStateError") in await events(installer)


async def deploy_endless_plan(installer: Installer) -> Run:
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
    return await installer.deploy(package)


async def until_endless_step_runs(run: Run) -> PlanStatus:
    """Wait until the step that never ends runs."""

    async def running_status() -> PlanStatus | None:
        status = await run.status()
        running = status.phases and status.phases[0].steps[1].status is ExecutionStatus.IN_PROGRESS
        return status if running else None

    return await until(running_status)


async def test_plan_cancelled_while_no_worker_runs_ends_cancelled(installer: Installer) -> None:
    async with WorkerProcess() as worker:
        run = await deploy_endless_plan(installer)
        await until_step(run, ExecutionStatus.COMPLETE)
        await until_endless_step_runs(run)
        await worker.kill()
        await installer.plans.cancel(NAMESPACE, "test", "nobody works")
        await worker.start()
        outcome = await outcome_of(run)
    assert (outcome.failure, outcome.message) == ("Cancelled", "nobody works")
    assert await recorded(installer) == outcome.status
    assert tree(outcome.status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [CANCELLED]",
        "      ├── nobody works",
        "      ├── Phase first [CANCELLED]",
        "      │  ├── Step a (COMPLETE)",
        "      │  ├── Step b (CANCELLED)",
        "      │  └── Step c (PENDING)",
        "      └── Phase second [PENDING]",
        "         └── Step d (PENDING)",
    ]


async def test_plan_cancelled_before_first_worker_starts_ends_cancelled(installer: Installer) -> None:
    run = await deploy_endless_plan(installer)
    await installer.plans.cancel(NAMESPACE, "test", "nobody ever worked")
    async with WorkerProcess():
        outcome = await outcome_of(run)
        assert (outcome.failure, outcome.message) == ("Cancelled", "nobody ever worked")
        assert outcome.status.status is ExecutionStatus.CANCELLED
        assert not any(step.status.is_running for part in outcome.status.phases for step in part.steps)


async def test_plan_ends_cancelled_if_worker_is_killed_during_cancellation(installer: Installer) -> None:
    async with WorkerProcess() as worker:
        run = await deploy_endless_plan(installer)
        await until_endless_step_runs(run)
        await installer.plans.cancel(NAMESPACE, "test", "it was enough")
        await worker.kill()
        await worker.start()
        outcome = await outcome_of(run)
    assert (outcome.failure, outcome.message) == ("Cancelled", "it was enough")
    assert [step.status for step in outcome.status.phases[0].steps] == ["COMPLETE", "CANCELLED", "PENDING"]
    assert await recorded(installer) == outcome.status
