"""A small model of the outcomes of a plan, with which the tests compare the workflows.

It does not model time, only the statuses that are possible once they are stable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus

Outcome = Literal["ok", "flaky", "never", "failing", "flapping", "fatal"]
"""Complete; complete at the third attempt; never healthy; always a transient error, the same or a new one; fatal."""

Strategy = Literal["serial", "parallel"]
S = ExecutionStatus


@dataclass(frozen=True)
class Step:
    tasks: tuple[Outcome, ...]
    approval: bool = False
    """Whether the step needs an approval, which these tests always give."""

    @property
    def outcome(self) -> Outcome:
        """The outcome of a step that runs alone."""
        for outcome in ("fatal", "flapping", "failing", "never"):
            if outcome in self.tasks:
                return outcome
        return "ok"


@dataclass(frozen=True)
class Phase:
    strategy: Strategy
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plan:
    strategy: Strategy
    phases: tuple[Phase, ...]


STABLE = {"never": S.IN_PROGRESS, "failing": S.ERROR, "flapping": S.ERROR}
"""The stable status of a step that does not end, by its outcome."""


def expected(plan: Plan) -> list[list[ExecutionStatus]] | None:
    """Return the stable status of every step; None if a fatal step is reached."""
    statuses = [[S.PENDING for _ in phase.steps] for phase in plan.phases]
    for number, phase in _reached(plan.strategy, plan.phases):
        for index, step in _reached(phase.strategy, phase.steps):
            if step.outcome == "fatal":
                return None
            statuses[number][index] = STABLE.get(step.outcome, S.COMPLETE)
    return statuses


def _reached(strategy: Strategy, parts: Sequence) -> Iterator[tuple[int, "Step | Phase"]]:  # type: ignore[type-arg]
    """Yield the parts that are started; with the strategy serial, none after a part that does not end."""
    for index, part in enumerate(parts):
        yield index, part
        if strategy == "serial" and not _completes(part):
            return


def _completes(part: "Step | Phase") -> bool:
    """Whether a part completes."""
    if isinstance(part, Step):
        return part.outcome == "ok"
    return all(_completes(step) for step in part.steps)


def cancelled(statuses: list[list[ExecutionStatus]]) -> list[list[ExecutionStatus]]:
    """Return the statuses of steps after a cancellation."""
    return [[S.CANCELLED if status.is_running else status for status in steps] for steps in statuses]


def check_failed(plan: Plan, status: PlanStatus) -> None:
    """Check the final status of a plan that reached a fatal step."""
    assert status.status is S.FATAL_ERROR
    assert any(step.status is S.FATAL_ERROR for phase in status.phases for step in phase.steps)
    for phase, actual in zip(plan.phases, status.phases, strict=True):
        _check_phase(actual)
        for step, actual_step in zip(phase.steps, actual.steps, strict=True):
            _check_step(step, actual_step)
        _check_order(phase.strategy, [step.status for step in actual.steps])
    _check_order(plan.strategy, [phase.status for phase in status.phases])


def _check_phase(phase: PhaseStatus) -> None:
    steps = {step.status for step in phase.steps}
    assert phase.status.is_terminal or phase.status is S.PENDING
    assert not phase.message
    assert (phase.status is S.FATAL_ERROR) == (S.FATAL_ERROR in steps)
    if phase.status is S.COMPLETE:
        assert steps <= {S.COMPLETE}
    if phase.status is S.PENDING:
        assert steps <= {S.PENDING}


def _check_step(step: Step, actual: StepStatus) -> None:
    possible = {
        "ok": {S.COMPLETE, S.CANCELLED, S.PENDING},
        "never": {S.CANCELLED, S.PENDING},
        "failing": {S.CANCELLED, S.PENDING},
        "flapping": {S.CANCELLED, S.PENDING},
        "fatal": {S.FATAL_ERROR, S.CANCELLED, S.PENDING},
    }
    assert actual.status in possible[step.outcome]
    assert bool(actual.message) == (actual.status is S.FATAL_ERROR)


def _check_order(strategy: Strategy, statuses: list[ExecutionStatus]) -> None:
    """Check that with the strategy serial nothing was started after the first part that is not COMPLETE."""
    if strategy == "serial":
        incomplete = [status for status in statuses if status is not S.COMPLETE]
        assert all(status is S.PENDING for status in incomplete[1:])
