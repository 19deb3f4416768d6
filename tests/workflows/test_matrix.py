"""The effect of each outcome, for every combination of strategies, tasks per step, outcome and place."""

import asyncio
from itertools import product
from typing import get_args

import model
import pytest
from scripted import check, scripted_plans, start
from temporalio.client import Client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PLACES = (0, 1, 2)
"""The first, middle and last phase, step and task; a step may have fewer tasks."""


def plan_with(
    outcome: model.Outcome, place: int, tasks: int, of_plan: model.Strategy, of_phase: model.Strategy
) -> model.Plan:
    """Return a plan of three phases of three steps, in which one task has the outcome and all others succeed."""
    special = (place, place, min(place, tasks - 1))
    return model.Plan(
        of_plan,
        tuple(
            model.Phase(
                of_phase,
                tuple(
                    model.Step(tuple(outcome if (phase, step, task) == special else "ok" for task in range(tasks)))
                    for step in PLACES
                ),
            )
            for phase in PLACES
        ),
    )


@pytest.mark.parametrize("tasks", [1, 2, 3])
@pytest.mark.parametrize("of_phase", ["serial", "parallel"])
@pytest.mark.parametrize("of_plan", ["serial", "parallel"])
async def test_plan_ends_as_expected_for_every_outcome_in_every_place(
    client: Client, of_plan: model.Strategy, of_phase: model.Strategy, tasks: int
) -> None:
    """All plans run side by side; those that do not end by themselves are cancelled, which covers cancellation."""
    trees = [
        plan_with(outcome, place, tasks, of_plan, of_phase)
        for outcome, place in product(get_args(model.Outcome), PLACES)
    ]
    async with scripted_plans(client) as plans:
        runs = [await start(plans, tree) for tree in trees]
        await asyncio.gather(*(check(client, plans, run, tree) for run, tree in zip(runs, trees, strict=True)))
