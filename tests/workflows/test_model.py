"""Plans of any shape with tasks of any outcome end as the model says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import model
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.waiting import until
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from kudo.client import Plans
from kudo.model.execution import ActivePlan, Metadata, PlanRequest, TaskRequest
from kudo.model.plans import Plan
from kudo.model.report import StatusReport
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tasks import DummySpec, DummyTask
from worker import CANCEL_LATENCY
from workflows import WORKFLOWS
from workflows.options import control_queue

S = ExecutionStatus
NUMBERS = count()
PLANS: dict[str, model.Plan] = {}
"""By the name of the instance."""


def spec(plan: model.Plan) -> Plan:
    """The plan as an operator has it; a task's name says what becomes of it."""
    phases = [
        {
            "name": f"phase-{number}",
            "strategy": phase.strategy,
            "steps": [
                {"name": f"step-{index}", "tasks": [f"{outcome}-{order}" for order, outcome in enumerate(step.tasks)]}
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
        tasks=[DummyTask(kind="Dummy", name=name, spec=DummySpec()) for name in plan.task_names()],
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
    return True


@activity.defn(name="request_cancel")
async def cancel(reason: str) -> None:
    info = activity.info()
    await activity.client().get_workflow_handle(info.workflow_id or "").cancel(reason=reason)


@activity.defn(name="dummy")
async def task(request: TaskRequest) -> str:
    match request.task.name.partition("-")[0]:
        case "fatal":
            raise ApplicationError("for good", type="DummyTaskError", non_retryable=True)
        case "flaky" if activity.info().attempt < 3:
            raise ApplicationError("for now", next_retry_delay=timedelta(milliseconds=20))
        case "never":
            while True:
                activity.heartbeat()
                await asyncio.sleep(0.1)
    return "done"


@pytest.fixture
async def plans(client: Client) -> AsyncIterator[Plans]:
    control = Worker(client, task_queue=control_queue("kudo"), activities=[load, report, cancel])
    tasks = Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[task],
        max_heartbeat_throttle_interval=CANCEL_LATENCY,
    )
    async with control, tasks:
        yield Plans(client)


STRATEGIES = st.sampled_from(["serial", "parallel"])
OUTCOMES = st.sampled_from(["ok", "ok", "ok", "flaky", "never", "fatal"])
STEPS = st.builds(model.Step, st.lists(OUTCOMES, max_size=3).map(tuple))
PHASES = st.builds(model.Phase, STRATEGIES, st.lists(STEPS, max_size=4).map(tuple))
TREES = st.builds(model.Plan, STRATEGIES, st.lists(PHASES, max_size=4).map(tuple))

BOTH = model.Step(("ok", "fatal"))
HANGS = model.Step(("never",))


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(TREES)
@example(model.Plan("parallel", (model.Phase("serial", (HANGS,)), model.Phase("parallel", (BOTH, BOTH, HANGS)))))
@example(model.Plan("serial", (model.Phase("parallel", (HANGS, HANGS)), model.Phase("serial", (BOTH,)))))
@example(model.Plan("serial", ()))
async def test_plans_end_as_the_model_says(plans: Plans, plan: model.Plan) -> None:
    instance = f"tree-{next(NUMBERS)}"
    PLANS[instance] = plan
    run = await plans.start(PlanRequest(namespace="default", instance=instance, plan="deploy"))
    wanted = model.expected(plan)
    if wanted is None:
        outcome = await asyncio.wait_for(run.outcome(), 40)
        assert outcome.failure == "DummyTaskError"
        model.check_failed(plan, outcome.status)
        return
    if any(S.IN_PROGRESS in steps for steps in wanted):

        async def quiet() -> bool:
            status = await run.status()
            return statuses(status) == wanted and status.status is S.IN_PROGRESS

        await until(quiet)
        await plans.cancel("default", instance, "enough")
        wanted = [[S.CANCELLED if status is S.IN_PROGRESS else status for status in steps] for steps in wanted]
    outcome = await asyncio.wait_for(run.outcome(), 40)
    assert statuses(outcome.status) == wanted
    assert outcome.status.status is (S.CANCELLED if any(S.CANCELLED in steps for steps in wanted) else S.COMPLETE)


def statuses(status: PlanStatus) -> list[list[ExecutionStatus]]:
    return [[step.status for step in phase.steps] for phase in status.phases]
