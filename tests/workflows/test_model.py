"""Plans of any shape, with tasks of any outcome, end as the model expects, with and without controls.

Hypothesis derives the examples from the names and the source of the tests (`derandomize`): a rename changes them.
"""

import asyncio
from collections.abc import AsyncIterator

import model
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scripted import check, scripted_plans, start
from temporalio.client import Client

from kudo.client import Plans, Run
from kudo.errors import KudoError
from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus


@pytest.fixture
async def plans(client: Client) -> AsyncIterator[Plans]:
    async with scripted_plans(client) as started:
        yield started


STRATEGIES = st.sampled_from(["serial", "parallel"])
OUTCOMES = st.sampled_from(["ok", "ok", "ok", "flaky", "never", "failing", "fatal"])
STEPS = st.builds(model.Step, st.lists(OUTCOMES, max_size=3).map(tuple))
APPROVED_STEPS = st.builds(model.Step, st.lists(OUTCOMES, max_size=3).map(tuple), st.booleans())


def trees(steps: st.SearchStrategy[model.Step]) -> st.SearchStrategy[model.Plan]:
    phases = st.builds(model.Phase, STRATEGIES, st.lists(steps, max_size=4).map(tuple))
    return st.builds(model.Plan, STRATEGIES, st.lists(phases, max_size=4).map(tuple))


BOTH = model.Step(("ok", "fatal"))
HANGS = model.Step(("never",))
FAILS = model.Step(("failing", "ok", "never"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

on_temporal = settings(
    max_examples=30,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@on_temporal
@given(trees(STEPS))
@example(model.Plan("parallel", (model.Phase("serial", (HANGS,)), model.Phase("parallel", (BOTH, BOTH, HANGS)))))
@example(model.Plan("serial", (model.Phase("parallel", (HANGS, FAILS)), model.Phase("serial", (BOTH,)))))
@example(model.Plan("serial", ()))
async def test_plans_end_as_the_model_says(client: Client, plans: Plans, plan: model.Plan) -> None:
    await check(client, plans, await start(plans, plan), plan)


@on_temporal
@given(trees(APPROVED_STEPS), st.lists(st.sampled_from(["pause", "unpause"]), max_size=4))
async def test_steering_changes_nothing_of_the_end(
    client: Client, plans: Plans, plan: model.Plan, controls: list[str]
) -> None:
    run = await start(plans, plan)
    approving = asyncio.create_task(approve_everything(plans, run))
    try:
        await steer(plans, run, controls)
        await check(client, plans, run, plan)
    finally:
        approving.cancel()


async def steer(plans: Plans, run: Run, controls: list[str]) -> None:
    """Pause and unpause the plan until it has ended, and unpause it in the end."""
    for control in (*controls, "unpause"):
        try:
            await getattr(plans, control)("default", run.request.instance, "")
        except KudoError:
            return
        await asyncio.sleep(0.02)


async def approve_everything(plans: Plans, run: Run) -> None:
    while True:
        await asyncio.sleep(0.05)
        try:
            status = await run.status()
            waiting = [
                f"{phase.name}.{step.name}"
                for phase in status.phases
                for step in phase.steps
                if step.status is ExecutionStatus.WAITING_APPROVAL
            ]
            for step in waiting:
                await plans.decide("default", run.request.instance, Approval(step=step, by="ann"), approved=True)
        except KudoError:
            # The plan has ended, or the step no longer waits.
            continue
