"""A phase whose history gets long goes on in a new run, and nobody notices."""

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
    """Plans whose phases go on in a new run after few events; without Temporal's sandbox, which would not see that."""
    monkeypatch.setattr(limits, "PHASE_EVENTS", 40)
    async with scripted_plans(client, runner=UnsandboxedWorkflowRunner()) as started:
        yield started


async def runs_of(client: Client, plan: Run, phase: str) -> int:
    """How many runs a phase took."""
    history = await client.get_workflow_handle(plan.workflow_id).fetch_history()
    started = [event.start_child_workflow_execution_initiated_event_attributes for event in history.events]
    return sum(child.workflow_id == f"{plan.workflow_id}/{phase}" for child in started)


@pytest.mark.parametrize("strategy", ["serial", "parallel"])
@pytest.mark.parametrize("last", [OK, HANGS, model.Step(("fatal",)), model.Step(("failing",))])
async def test_a_long_phase(client: Client, plans: Plans, strategy: model.Strategy, last: model.Step) -> None:
    steps = (*[OK] * 30, last)
    plan = model.Plan("serial", (model.Phase(strategy, steps), model.Phase("serial", (OK,))))
    run = await start(plans, plan)
    await check(client, plans, run, plan)
    if strategy == "serial":
        assert await runs_of(client, run, "phase-0") > 1


async def test_a_pause_goes_on_in_the_new_run(client: Client, plans: Plans) -> None:
    plan = model.Plan("serial", (model.Phase("serial", tuple([OK] * 60)),))
    run = await start(plans, plan)
    await until_step(run, ExecutionStatus.COMPLETE)
    await plans.pause("default", run.request.instance, "")

    async def look() -> list[ExecutionStatus] | None:
        seen = await run.status()
        steps = [step.status for step in seen.phases[0].steps]
        return steps if seen.paused and ExecutionStatus.IN_PROGRESS not in steps else None

    # At times no step runs because the next one is just about to.
    await until(look)
    await asyncio.sleep(1)
    steps = await until(look)
    assert set(steps) == {ExecutionStatus.COMPLETE, ExecutionStatus.PENDING}
    await asyncio.sleep(1)
    assert await until(look) == steps
    await plans.unpause("default", run.request.instance, "")
    await check(client, plans, run, plan)
