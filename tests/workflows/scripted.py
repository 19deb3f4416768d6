"""Plans whose tasks end as their names say, without a cluster: the workflows and the attempts are the real ones."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count

import model
from support.waiting import until
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker, WorkflowRunner

from activities.attempt import attempting_task
from kudo.client import Outcome, Plans, Run
from kudo.errors import DummyTaskError, DummyTaskFailed
from kudo.model.execution import ActivePlan, Metadata, PlanRequest, TaskRequest
from kudo.model.plans import Plan
from kudo.model.report import StatusReport
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tasks import DummySpec, DummyTask, Retry
from kudo.plugin import workflow_runner
from worker import CANCEL_LATENCY
from workflows import WORKFLOWS
from workflows.options import control_queue

S = ExecutionStatus
QUICKLY = Retry(initial_interval=timedelta(milliseconds=20), max_interval=timedelta(milliseconds=200))
NUMBERS = count()
PATIENCE = 120
"""Seconds for one of many plans that run side by side."""
PLANS: dict[str, model.Plan] = {}
"""By the name of the instance."""
REPORTED: dict[str, PlanStatus] = {}
"""What was written to the Instance last."""

ENDS = {
    S.COMPLETE: WorkflowExecutionStatus.COMPLETED,
    S.FATAL_ERROR: WorkflowExecutionStatus.FAILED,
    S.CANCELLED: WorkflowExecutionStatus.CANCELED,
}


def spec(plan: model.Plan) -> Plan:
    """The plan as an operator has it; a task's name says what becomes of it."""
    phases = [
        {
            "name": f"phase-{number}",
            "strategy": phase.strategy,
            "steps": [
                {
                    "name": f"step-{index}",
                    "approval": step.approval,
                    "tasks": [f"{outcome}-{order}" for order, outcome in enumerate(step.tasks)],
                }
                for index, step in enumerate(phase.steps)
            ],
        }
        for number, phase in enumerate(plan.phases)
    ]
    return Plan.model_validate({"strategy": plan.strategy, "phases": phases})


@activity.defn(name="load_active_plan")
async def load(request: PlanRequest) -> ActivePlan:
    plan = spec(PLANS[request.instance])
    uid = activity.info().workflow_run_id or ""
    return ActivePlan(
        name=request.plan,
        status=PlanStatus.pending(request.plan, plan, uid),
        spec=plan,
        tasks=[DummyTask(kind="Dummy", name=name, spec=DummySpec(), retry=QUICKLY) for name in plan.task_names()],
        templates={},
        params={},
        metadata=Metadata(
            operator_name="tested",
            operator_version_name="tested-1.0.0",
            instance_name=request.instance,
            instance_namespace=request.namespace,
            plan_name=request.plan,
            plan_uid=uid,
            api_version="kudo.dev/v1",
        ),
    )


@activity.defn(name="report_status")
async def report(report: StatusReport) -> bool:
    assert report.status is not None
    REPORTED[report.request.instance] = report.status
    return True


@activity.defn(name="request_cancel")
async def cancel(reason: str) -> None:
    info = activity.info()
    await activity.client().get_workflow_handle(info.workflow_id or "").cancel(reason=reason)


@activity.defn(name="dummy")
async def task(request: TaskRequest) -> str:
    outcome = request.task.name.partition("-")[0]
    async with attempting_task(request, timedelta(0)) as attempt:
        if outcome == "fatal":
            raise DummyTaskError("for good")
        if outcome == "flapping":
            raise DummyTaskFailed(f"for now, {activity.info().attempt}")
        if outcome == "failing" or (outcome == "flaky" and activity.info().attempt < 3):
            raise DummyTaskFailed("for now")
        if outcome == "never":
            attempt.doing("it is never done")
            await asyncio.Event().wait()
    return "done"


@asynccontextmanager
async def scripted_plans(client: Client, runner: WorkflowRunner | None = None) -> AsyncIterator[Plans]:
    """Workers for scripted plans, while the body runs."""
    control = Worker(client, task_queue=control_queue("kudo"), activities=[load, report, cancel])
    tasks = Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[task],
        workflow_runner=runner or workflow_runner(),
        max_concurrent_activities=1000,
        max_heartbeat_throttle_interval=CANCEL_LATENCY,
    )
    async with control, tasks:
        yield Plans(client)


async def start(plans: Plans, plan: model.Plan) -> Run:
    instance = f"tree-{next(NUMBERS)}"
    PLANS[instance] = plan
    return await plans.start(PlanRequest(namespace="default", instance=instance, plan="deploy"))


async def check(client: Client, plans: Plans, run: Run, plan: model.Plan) -> None:
    """Check that a plan goes as the model says; one that does not end is cancelled in the end."""
    wanted = model.expected(plan)
    if wanted is None:
        outcome = await asyncio.wait_for(run.outcome(), PATIENCE)
        assert (outcome.failure, outcome.message) == ("DummyTaskError", "for good")
        model.check_failed(plan, outcome.status)
    else:
        ends = all(status is S.COMPLETE for steps in wanted for status in steps)
        if not ends:
            await until_quiet(run, wanted)
            await plans.cancel("default", run.request.instance, "enough")
        outcome = await ended(run)
        assert statuses(outcome.status) == model.cancelled(wanted)
        assert outcome.status.status is (S.COMPLETE if ends else S.CANCELLED), outcome
        assert outcome.status.message == ("" if ends else "enough")
    assert REPORTED[run.request.instance] == outcome.status
    await check_workflows(client, run, outcome)


async def ended(run: Run) -> Outcome:
    """How a run ended; of one that was cancelled its worker says it, which may be busy for a while."""

    async def look() -> Outcome | None:
        outcome = await run.outcome()
        return outcome if outcome.status.phases or outcome.complete else None

    return await until(look, PATIENCE)


async def until_quiet(run: Run, wanted: Iterable[list[ExecutionStatus]]) -> None:
    """Wait until the steps are as they should be, and see what that makes of all around them."""
    listed = list(wanted)

    async def look() -> PlanStatus | None:
        status = await run.status()
        return status if statuses(status) == listed else None

    seen = await until(look, PATIENCE)
    assert seen.status is S.IN_PROGRESS
    for phase in seen.phases:
        assert not phase.message
        running = any(step.status.is_running for step in phase.steps)
        assert (phase.status is S.IN_PROGRESS) == running
        for step in phase.steps:
            assert step.message.startswith("for now") == (step.status is S.ERROR)


async def check_workflows(client: Client, run: Run, outcome: Outcome) -> None:
    """Check that every workflow of the tree ended as its part of the status says."""
    described = await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).describe()
    assert described.status is ENDS[outcome.status.status]
    for phase in outcome.status.phases:
        if phase.status is not S.PENDING:
            described = await client.get_workflow_handle(f"{run.workflow_id}/{phase.name}").describe()
            assert described.status is ENDS[phase.status]


def statuses(status: PlanStatus) -> list[list[ExecutionStatus]]:
    return [[step.status for step in phase.steps] for phase in status.phases]
