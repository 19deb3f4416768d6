"""Controls that arrive while a plan starts a phase."""

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
from kudo.workflows.controls import PhaseHandle, PlanControls

EMPTY = model.Step(())


async def test_plan_cancelled_while_phase_starts_ends_cancelled(client: Client) -> None:
    """The phases have no tasks, so that the plan does little else than start them."""
    plan = model.Plan("serial", tuple(model.Phase("serial", (EMPTY,)) for _ in range(60)))
    async with scripted_plans(client) as plans:
        for number in range(12):
            run = await start(plans, plan)
            await asyncio.sleep(0.15 + 0.02 * number)
            await client.get_workflow_handle(run.workflow_id).cancel(reason="enough")
            outcome = await asyncio.wait_for(run.outcome(), 30)
            assert (outcome.status.status, outcome.status.message) == (ExecutionStatus.CANCELLED, "enough")


class LostWorker:
    """Fails the workflow task in which the plan records that a phase has started, as if its worker were lost."""

    def __init__(self, add_phase: Callable[[PlanControls, str, PhaseHandle], Awaitable[None]]) -> None:
        self.active = True
        self._add_phase = add_phase

    async def add_phase(self, controls: PlanControls, name: str, phase: PhaseHandle) -> None:
        if self.active:
            raise RuntimeError("the worker is lost here")
        await self._add_phase(controls, name, phase)


@pytest.fixture
def lost_worker(monkeypatch: pytest.MonkeyPatch) -> LostWorker:
    fault = LostWorker(PlanControls.add_phase)

    async def add_phase(controls: PlanControls, name: str, phase: PhaseHandle) -> None:
        await fault.add_phase(controls, name, phase)

    monkeypatch.setattr(PlanControls, "add_phase", add_phase)
    return fault


async def test_approval_that_arrives_with_start_of_phase_takes_effect(client: Client, lost_worker: LostWorker) -> None:
    plan = model.Plan("serial", (model.Phase("serial", (model.Step(("ok",), approval=True),)),))
    async with scripted_plans(client, runner=UnsandboxedWorkflowRunner()) as plans:
        run = await start(plans, plan)
        await until_phase_waits(client, run)
        await client.get_workflow_handle(run.workflow_id).signal("approve", {"by": "ann"})
        lost_worker.active = False
        assert (await asyncio.wait_for(run.outcome(), 40)).complete


async def test_pause_and_cancellation_that_arrive_with_start_of_phase_cancel_plan(
    client: Client, lost_worker: LostWorker
) -> None:
    plan = model.Plan("serial", (model.Phase("serial", (model.Step(("ok",), approval=True),)),))
    async with scripted_plans(client, runner=UnsandboxedWorkflowRunner()) as plans:
        run = await start(plans, plan)
        await until_phase_waits(client, run)
        handle = client.get_workflow_handle(run.workflow_id)
        await handle.signal("pause", "lunch")
        await handle.cancel(reason="enough")
        lost_worker.active = False
        outcome = await asyncio.wait_for(run.outcome(), 40)
    assert (outcome.status.status, outcome.status.paused) == (ExecutionStatus.CANCELLED, False)


async def until_phase_waits(client: Client, run: Run) -> None:
    phase = client.get_workflow_handle(f"{run.workflow_id}/phase-0")

    async def is_waiting() -> bool:
        try:
            status = await phase.query("status")
        except RPCError:
            return False  # The phase has not started yet.
        return bool(status["steps"][0]["status"] == "WAITING_APPROVAL")

    await until(is_waiting)
    # The phase still has to report this status to the plan.
    await asyncio.sleep(1)
