"""Phases, steps and tasks that a run skips."""

import pytest

from kudo.errors import InvalidPlan
from kudo.instances.skipping import carry_over_completed, skip_unmet_conditions, start_from
from kudo.model.plans import Plan, conditions
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tasks import DummyTask

S = ExecutionStatus

PLAN = Plan.model_validate(
    {
        "phases": [
            {"name": "one", "steps": [{"name": "a", "tasks": ["x"]}, {"name": "b", "tasks": ["x", "y"], "when": "B"}]},
            {"name": "two", "when": "TWO", "steps": [{"name": "c", "tasks": []}]},
            {"name": "three", "when": "THREE", "steps": []},
        ]
    }
)
TASKS = [DummyTask(kind="Dummy", name="x", when="X"), DummyTask(kind="Dummy", name="y")]


def statuses(status: PlanStatus) -> list[str]:
    return [part for phase in status.phases for part in (phase.status, *(step.status for step in phase.steps))]


def test_every_condition_is_found_with_its_path() -> None:
    assert conditions("deploy", PLAN, TASKS) == {
        "plans.deploy.one.b": "B",
        "plans.deploy.two": "TWO",
        "plans.deploy.three": "THREE",
        "tasks.x": "X",
    }


@pytest.mark.parametrize(
    ("hold", "expected", "tasks"),
    [
        ({}, [*["PENDING"] * 3, *["PENDING"] * 2, "PENDING"], [["x"], ["x", "y"]]),
        ({"tasks.x": False}, ["PENDING", "SKIPPED", "PENDING", *["PENDING"] * 2, "PENDING"], [[], ["y"]]),
        ({"plans.deploy.one.b": False}, ["PENDING", "PENDING", "SKIPPED", *["PENDING"] * 2, "PENDING"], None),
        (
            {"tasks.x": False, "plans.deploy.one.b": False},
            ["SKIPPED", "SKIPPED", "SKIPPED", *["PENDING"] * 2, "PENDING"],
            None,
        ),
        ({"plans.deploy.two": False}, [*["PENDING"] * 3, "SKIPPED", "SKIPPED", "PENDING"], None),
        ({"plans.deploy.three": False}, [*["PENDING"] * 5, "SKIPPED"], None),
    ],
)
def test_phases_steps_and_tasks_with_unmet_conditions_are_skipped(
    hold: dict[str, bool], expected: list[str], tasks: list[list[str]] | None
) -> None:
    status = PlanStatus.pending("deploy", PLAN)
    plan = skip_unmet_conditions(status, PLAN, hold)
    assert statuses(status) == expected
    if tasks is not None:
        assert [step.tasks for step in plan.phases[0].steps] == tasks


def test_completed_steps_are_carried_over_and_skipped_steps_are_not() -> None:
    recorded = PlanStatus.pending("deploy", PLAN)
    recorded.phases[0].steps[0].set(S.COMPLETE)
    recorded.phases[0].steps[1].set(S.SKIPPED)
    recorded.phases[1].steps[0].set(S.COMPLETE)
    recorded.phases[1].set(S.COMPLETE)
    status = PlanStatus.pending("deploy", PLAN)
    skip_unmet_conditions(status, PLAN, {"plans.deploy.two": False})
    carry_over_completed(status, recorded)
    assert statuses(status) == ["PENDING", "COMPLETE", "PENDING", "COMPLETE", "COMPLETE", "PENDING"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("one", ["PENDING"] * 6),
        ("one.a", ["PENDING"] * 6),
        ("one.b", ["PENDING", "SKIPPED", "PENDING", "PENDING", "PENDING", "PENDING"]),
        ("two", ["SKIPPED", "SKIPPED", "SKIPPED", "PENDING", "PENDING", "PENDING"]),
        ("two.c", ["SKIPPED", "SKIPPED", "SKIPPED", "PENDING", "PENDING", "PENDING"]),
        ("three", ["SKIPPED"] * 5 + ["PENDING"]),
    ],
)
def test_steps_before_the_start_are_skipped(place: str, expected: list[str]) -> None:
    status = PlanStatus.pending("deploy", PLAN)
    start_from(status, place)
    assert statuses(status) == expected


def test_completed_steps_before_the_start_stay_complete() -> None:
    recorded = PlanStatus.pending("deploy", PLAN)
    recorded.phases[0].steps[0].set(S.COMPLETE)
    status = PlanStatus.pending("deploy", PLAN)
    start_from(status, "two", recorded)
    assert statuses(status) == ["PENDING", "COMPLETE", "SKIPPED", "PENDING", "PENDING", "PENDING"]


def test_unknown_start_is_refused() -> None:
    with pytest.raises(InvalidPlan, match=r"no phase or step 'one\.c'\. Its steps: one\.a, one\.b, two"):
        start_from(PlanStatus.pending("deploy", PLAN), "one.c")
