"""A status that does not match its plan, which only a defect or another version of the worker could cause."""

import asyncio

import model
import pytest
import scripted
from support.outcomes import tree
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from kudo.client import Plans
from kudo.model.execution import ActivePlan, PlanRequest
from kudo.plugin import workflow_runner
from kudo.workflows import WORKFLOWS
from kudo.workflows.options import control_queue

PLAN = model.Plan("serial", (model.Phase("serial", (model.Step(("ok",)), model.Step(("ok",)))),))


@activity.defn(name="load_active_plan")
async def without_phase(request: PlanRequest) -> ActivePlan:
    active = await scripted.load(request)
    active.status.phases = []
    return active


@activity.defn(name="load_active_plan")
async def without_step(request: PlanRequest) -> ActivePlan:
    active = await scripted.load(request)
    del active.status.phases[0].steps[1]
    return active


@pytest.mark.parametrize(
    ("load", "event", "message"),
    [
        (without_phase, "MissingPhaseStatus", "The status of the plan deploy has no phase phase-0."),
        (without_step, "MissingStepStatus", "The status of the phase phase-0 has no step step-1."),
    ],
)
async def test_plan_whose_status_lacks_a_part_fails(client: Client, load: object, event: str, message: str) -> None:
    control = Worker(client, task_queue=control_queue("kudo"), activities=[load, scripted.report])  # type: ignore[list-item]
    tasks = Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[scripted.task, load, scripted.report],  # type: ignore[list-item]
        workflow_runner=workflow_runner(),
    )
    async with control, tasks:
        run = await scripted.start(Plans(client), PLAN)
        outcome = await asyncio.wait_for(run.outcome(), 30)
    assert (outcome.failure, outcome.message) == (event, message)
    assert message in "\n".join(tree(outcome.status))
