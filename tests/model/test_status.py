"""The status of plans: JSON, states and messages."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kudo.model.limits import step_message_bytes
from kudo.model.plans import Plan
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus, clip


def test_json_has_field_names_of_kudo_and_omits_empty_fields() -> None:
    status = PlanStatus(
        name="deploy",
        status=ExecutionStatus.IN_PROGRESS,
        uid="1-2-3",
        last_updated_timestamp=datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC),
        phases=[
            PhaseStatus(name="main", steps=[StepStatus(name="a", status=ExecutionStatus.ERROR, message="away")]),
        ],
    )
    assert status.to_json() == {
        "name": "deploy",
        "status": "IN_PROGRESS",
        "lastUpdatedTimestamp": "2021-03-04T05:06:07Z",
        "uid": "1-2-3",
        "phases": [
            {"name": "main", "status": "PENDING", "steps": [{"name": "a", "status": "ERROR", "message": "away"}]}
        ],
    }


def test_plan_status_round_trips_through_json() -> None:
    status = PlanStatus(
        name="deploy",
        message="stopped",
        strategy="parallel",
        last_updated_timestamp=datetime(2021, 3, 4, tzinfo=UTC),
        phases=[PhaseStatus(name="main", strategy="serial", steps=[StepStatus(name="a")])],
    )
    assert PlanStatus.model_validate(status.to_json()) == status


@pytest.mark.parametrize(
    ("status", "terminal", "running"),
    [
        ("NEVER_RUN", False, False),
        ("PENDING", False, False),
        ("IN_PROGRESS", False, True),
        ("ERROR", False, True),
        ("FATAL_ERROR", True, False),
        ("CANCELLED", True, False),
        ("COMPLETE", True, False),
    ],
)
def test_status_is_terminal_or_running(status: str, terminal: bool, running: bool) -> None:
    assert ExecutionStatus(status).is_terminal is terminal
    assert ExecutionStatus(status).is_running is running


def test_setting_step_status_returns_whether_it_changed() -> None:
    step = StepStatus(name="a")
    assert step.set(ExecutionStatus.ERROR, "away")
    assert not step.set(ExecutionStatus.ERROR, "away")
    assert step.set(ExecutionStatus.ERROR, "away still")
    assert step.set(ExecutionStatus.IN_PROGRESS)
    assert step == StepStatus(name="a", status=ExecutionStatus.IN_PROGRESS)


def test_phases_and_steps_are_found_by_name() -> None:
    step = StepStatus(name="a", message="broken")
    phase = PhaseStatus(name="main", steps=[StepStatus(name="b"), step])
    status = PlanStatus(name="deploy", phases=[phase])
    assert status.phase("main") is phase
    assert status.phase("other") is None
    assert phase.step("a") is step
    assert phase.step("c") is None
    assert status.failed_steps() == [(phase, step)]


def test_pending_status_has_all_phases_and_steps() -> None:
    plan = Plan.model_validate(
        {"phases": [{"name": "main", "strategy": "parallel", "steps": [{"name": "a", "tasks": None}]}]}
    )
    assert PlanStatus.pending("deploy", plan, "1").to_json() == {
        "name": "deploy",
        "status": "PENDING",
        "uid": "1",
        "strategy": "serial",
        "phases": [
            {
                "name": "main",
                "status": "PENDING",
                "strategy": "parallel",
                "steps": [{"name": "a", "status": "PENDING"}],
            }
        ],
    }


def test_task_names_are_unique_and_in_order_of_use() -> None:
    steps = [{"name": "a", "tasks": ["y", "x"]}, {"name": "b", "tasks": ["x", "z"]}]
    plan = Plan.model_validate({"phases": [{"name": "main", "steps": steps}]})
    assert plan.task_names() == ["y", "x", "z"]


@given(st.text(max_size=300), st.integers(100, 400))
def test_message_is_clipped_to_a_number_of_bytes(text: str, size: int) -> None:
    clipped = clip(text, size)
    assert len(clipped.encode()) <= size
    assert clipped == text or clipped.endswith("…")
    assert text.startswith(clipped.removesuffix("…"))


@pytest.mark.parametrize(("steps", "limit"), [(0, 4000), (1, 4000), (1000, 500), (100_000, 100)])
def test_step_message_limit_shrinks_with_number_of_steps(steps: int, limit: int) -> None:
    assert step_message_bytes(steps) == limit
