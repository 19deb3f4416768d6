"""Plans without a cluster, whose tasks have their outcome in their name; workflows and attempts are the real ones."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import cast

import model
from support.waiting import until
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker, WorkflowRunner

from kudo.activities import ActivityContext
from kudo.activities.attempt import attempting_task
from kudo.client import Outcome, Plans, Run
from kudo.errors import DummyTaskError, DummyTaskFailed
from kudo.model.execution import ActivePlan, Metadata, PlanRequest, TaskRequest
from kudo.model.plans import Plan
from kudo.model.report import StatusReport
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tasks import DummySpec, DummyTask, Retry
from kudo.plugin import workflow_runner
from kudo.worker import CANCEL_LATENCY
from kudo.workflows import WORKFLOWS
from kudo.workflows.options import control_queue

S = ExecutionStatus
QUICK_RETRY = Retry(initial_interval=timedelta(milliseconds=20), max_interval=timedelta(milliseconds=200))
NUMBERS = count()
PATIENCE = 120
"""Maximum seconds for one of many plans that run side by side."""
PLANS: dict[str, model.Plan] = {}
"""The plans by the name of their instance."""
REPORTED: dict[str, PlanStatus] = {}
"""The status that was last written to each Instance, by its name."""

ENDS = {
    S.COMPLETE: WorkflowExecutionStatus.COMPLETED,
    S.FATAL_ERROR: WorkflowExecutionStatus.FAILED,
    S.CANCELLED: WorkflowExecutionStatus.CANCELED,
}


def spec(plan: model.Plan) -> Plan:
    """Return the plan as an operator defines it; the name of a task begins with its outcome."""
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
        tasks=[DummyTask(kind="Dummy", name=name, spec=DummySpec(), retry=QUICK_RETRY) for name in plan.task_names()],
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


CONTEXT = cast(ActivityContext, SimpleNamespace(grace=timedelta(0), slots=None))
"""The context of the scripted activities, which use neither a cluster nor a renderer."""


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
    async with attempting_task(request, CONTEXT) as attempt:
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
    """Run workers for scripted plans while the body runs."""
    control = Worker(client, task_queue=control_queue("kudo"), activities=[load, report, cancel])
    tasks = Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[task, load, report, cancel],
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
    """Check that a plan behaves as the model expects; cancel a plan that does not end."""
    expected = model.expected(plan)
    if expected is None:
        outcome = await asyncio.wait_for(run.outcome(), PATIENCE)
        assert (outcome.failure, outcome.message) == ("DummyTaskError", "for good")
        model.check_failed(plan, outcome.status)
    else:
        ends = all(status is S.COMPLETE for steps in expected for status in steps)
        if not ends:
            await until_stable(run, expected)
            await plans.cancel("default", run.request.instance, "enough")
        outcome = await final_outcome(run)
        assert statuses(outcome.status) == model.cancelled(expected)
        assert outcome.status.status is (S.COMPLETE if ends else S.CANCELLED), outcome
        assert outcome.status.message == ("" if ends else "enough")
    assert REPORTED[run.request.instance] == outcome.status
    await check_workflows(client, run, outcome)


async def final_outcome(run: Run) -> Outcome:
    """Wait for the outcome of a run; if it was cancelled, a worker has to answer a query, and may be busy at first."""

    async def outcome_with_phases() -> Outcome | None:
        outcome = await run.outcome()
        return outcome if outcome.status.phases or outcome.complete else None

    return await until(outcome_with_phases, PATIENCE)


async def until_stable(run: Run, expected: Iterable[list[ExecutionStatus]]) -> None:
    """Wait until the steps have the expected statuses, and check the plan and its phases."""
    listed = list(expected)

    async def stable_status() -> PlanStatus | None:
        status = await run.status()
        return status if statuses(status) == listed else None

    stable = await until(stable_status, PATIENCE)
    assert stable.status is S.IN_PROGRESS
    for phase in stable.phases:
        assert not phase.message
        running = any(step.status.is_running for step in phase.steps)
        assert (phase.status is S.IN_PROGRESS) == running
        for step in phase.steps:
            assert step.message.startswith("for now") == (step.status is S.ERROR)


async def check_workflows(client: Client, run: Run, outcome: Outcome) -> None:
    """Check that every workflow of the tree ended with the status of its part of the plan."""
    described = await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).describe()
    assert described.status is ENDS[outcome.status.status]
    for phase in outcome.status.phases:
        if phase.status is not S.PENDING:
            described = await client.get_workflow_handle(f"{run.workflow_id}/{phase.name}").describe()
            assert described.status is ENDS[phase.status]


def statuses(status: PlanStatus) -> list[list[ExecutionStatus]]:
    return [[step.status for step in phase.steps] for phase in status.phases]
