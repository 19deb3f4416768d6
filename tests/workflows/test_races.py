"""Controls that arrive at the worst moment."""

import asyncio
from collections.abc import Awaitable, Callable

import model
import pytest
from scripted import scripted_plans, start
from support.waiting import until
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner

from kudo.client import Run
from kudo.model.status import ExecutionStatus
from workflows.controls import PhaseHandle, PlanControls

NOTHING = model.Step(())


async def test_a_cancel_while_a_phase_is_being_started(client: Client) -> None:
    """Phases without tasks, so that the plan does little else than start them."""
    plan = model.Plan("serial", tuple(model.Phase("serial", (NOTHING,)) for _ in range(60)))
    async with scripted_plans(client) as plans:
        for number in range(12):
            run = await start(plans, plan)
            await asyncio.sleep(0.15 + 0.02 * number)
            await client.get_workflow_handle(run.workflow_id).cancel(reason="enough")
            outcome = await asyncio.wait_for(run.outcome(), 30)
            assert (outcome.status.status, outcome.status.message) == (ExecutionStatus.CANCELLED, "enough")


class Stuck:
    """Makes the workflow task fail that takes in that a phase was started, as if its worker was lost there."""

    def __init__(self, begin: Callable[[PlanControls, str, PhaseHandle], Awaitable[None]]) -> None:
        self.on = True
        self._begin = begin

    async def begin(self, steering: PlanControls, name: str, phase: PhaseHandle) -> None:
        if self.on:
            raise RuntimeError("the worker is lost here")
        await self._begin(steering, name, phase)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Stuck:
    gate = Stuck(PlanControls.add_phase)

    async def begin(steering: PlanControls, name: str, phase: PhaseHandle) -> None:
        await gate.begin(steering, name, phase)

    monkeypatch.setattr(PlanControls, "add_phase", begin)
    return gate


async def test_an_approval_that_arrives_with_the_news_of_the_phase(client: Client, stuck: Stuck) -> None:
    plan = model.Plan("serial", (model.Phase("serial", (model.Step(("ok",), approval=True),)),))
    async with scripted_plans(client, runner=UnsandboxedWorkflowRunner()) as plans:
        run = await start(plans, plan)
        await until_phase_waits(client, run)
        await client.get_workflow_handle(run.workflow_id).signal("approve", {"by": "ann"})
        stuck.on = False
        assert (await asyncio.wait_for(run.outcome(), 40)).complete


async def test_a_pause_and_a_cancel_that_arrive_with_the_news_of_the_phase(client: Client, stuck: Stuck) -> None:
    plan = model.Plan("serial", (model.Phase("serial", (model.Step(("ok",), approval=True),)),))
    async with scripted_plans(client, runner=UnsandboxedWorkflowRunner()) as plans:
        run = await start(plans, plan)
        await until_phase_waits(client, run)
        handle = client.get_workflow_handle(run.workflow_id)
        await handle.signal("pause", "lunch")
        await handle.cancel(reason="enough")
        stuck.on = False
        outcome = await asyncio.wait_for(run.outcome(), 40)
    assert (outcome.status.status, outcome.status.paused) == (ExecutionStatus.CANCELLED, False)


async def until_phase_waits(client: Client, run: Run) -> None:
    phase = client.get_workflow_handle(f"{run.workflow_id}/phase-0")

    async def look() -> bool:
        try:
            status = await phase.query("status")
        except RPCError:
            return False  # It was not started yet.
        return bool(status["steps"][0]["status"] == "WAITING_APPROVAL")

    await until(look)
    # What the phase says of it is on its way to the plan.
    await asyncio.sleep(1)
