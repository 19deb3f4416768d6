"""Plans that end in another way than well, while their worker is gone: they end as they would have with it."""

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
"""Seconds until a plan that lost its worker has ended."""


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


async def test_a_job_that_fails_while_there_is_no_worker(installer: Installer, sandbox: Sandbox) -> None:
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
    assert tree(outcome.status) == [
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
    assert await recorded(installer) == outcome.status
    assert ("Warning", "FailedTerminalStateError") in await events(installer)


async def deploy_without_end(installer: Installer) -> Run:
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


async def until_endless(run: Run) -> PlanStatus:
    """Wait until the task runs that never ends."""

    async def look() -> PlanStatus | None:
        seen = await run.status()
        running = seen.phases and seen.phases[0].steps[1].status is ExecutionStatus.IN_PROGRESS
        return seen if running else None

    return await until(look)


async def test_a_cancel_while_there_is_no_worker(installer: Installer) -> None:
    async with WorkerProcess() as worker:
        run = await deploy_without_end(installer)
        await until_step(run, ExecutionStatus.COMPLETE)
        await until_endless(run)
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


async def test_a_cancel_before_there_was_any_worker(installer: Installer) -> None:
    run = await deploy_without_end(installer)
    await installer.plans.cancel(NAMESPACE, "test", "nobody ever worked")
    async with WorkerProcess():
        outcome = await outcome_of(run)
        assert (outcome.failure, outcome.message) == ("Cancelled", "nobody ever worked")
        assert outcome.status.status is ExecutionStatus.CANCELLED
        assert not any(step.status.is_running for part in outcome.status.phases for step in part.steps)


async def test_a_worker_that_is_killed_while_a_plan_is_being_cancelled(installer: Installer) -> None:
    async with WorkerProcess() as worker:
        run = await deploy_without_end(installer)
        await until_endless(run)
        await installer.plans.cancel(NAMESPACE, "test", "it was enough")
        await worker.kill()
        await worker.start()
        outcome = await outcome_of(run)
    assert (outcome.failure, outcome.message) == ("Cancelled", "it was enough")
    assert [step.status for step in outcome.status.phases[0].steps] == ["COMPLETE", "CANCELLED", "PENDING"]
    assert await recorded(installer) == outcome.status
