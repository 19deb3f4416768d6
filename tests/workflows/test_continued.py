"""A phase with a long history continues in a new run, with the same outcome."""

import asyncio
from collections.abc import AsyncIterator

import model
import pytest
from scripted import check, scripted_plans, start
from support.outcomes import until_step
from support.waiting import until
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner

from kudo.client import Plans, Run
from kudo.model import limits
from kudo.model.status import ExecutionStatus

OK = model.Step(("ok",))
HANGS = model.Step(("never",))


@pytest.fixture
async def plans(client: Client, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plans]:
    """Plans whose phases continue in a new run after few events; Temporal's sandbox would not use the patched limit."""
    monkeypatch.setattr(limits, "PHASE_EVENTS", 40)
    async with scripted_plans(client, runner=UnsandboxedWorkflowRunner()) as started:
        yield started


async def run_count(client: Client, run: Run, phase: str) -> int:
    """Return how often the plan started a phase."""
    history = await client.get_workflow_handle(run.workflow_id).fetch_history()
    started = [event.start_child_workflow_execution_initiated_event_attributes for event in history.events]
    return sum(child.workflow_id == f"{run.workflow_id}/{phase}" for child in started)


@pytest.mark.parametrize("strategy", ["serial", "parallel"])
@pytest.mark.parametrize("last", [OK, HANGS, model.Step(("fatal",)), model.Step(("failing",))])
async def test_long_phase_ends_as_expected(
    client: Client, plans: Plans, strategy: model.Strategy, last: model.Step
) -> None:
    steps = (*[OK] * 30, last)
    plan = model.Plan("serial", (model.Phase(strategy, steps), model.Phase("serial", (OK,))))
    run = await start(plans, plan)
    await check(client, plans, run, plan)
    if strategy == "serial":
        assert await run_count(client, run, "phase-0") > 1


async def test_pause_stays_in_effect_in_new_run_of_phase(client: Client, plans: Plans) -> None:
    plan = model.Plan("serial", (model.Phase("serial", tuple([OK] * 60)),))
    run = await start(plans, plan)
    await until_step(run, ExecutionStatus.COMPLETE)
    await plans.pause("default", run.request.instance, "")

    async def paused_steps() -> list[ExecutionStatus] | None:
        status = await run.status()
        steps = [step.status for step in status.phases[0].steps]
        return steps if status.paused and ExecutionStatus.IN_PROGRESS not in steps else None

    # No step may run for a moment because the next one is about to start.
    await until(paused_steps)
    await asyncio.sleep(1)
    steps = await until(paused_steps)
    assert set(steps) == {ExecutionStatus.COMPLETE, ExecutionStatus.PENDING}
    await asyncio.sleep(1)
    assert await until(paused_steps) == steps
    await plans.unpause("default", run.request.instance, "")
    await check(client, plans, run, plan)
