"""A small model of what may become of a plan, to hold the workflows against.

It says nothing of time: only which statuses are possible once nothing moves any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus

Outcome = Literal["ok", "flaky", "never", "failing", "flapping", "fatal"]
"""Done; done at the third attempt; never healthy; failing again and again, always or never the same; for good."""

Strategy = Literal["serial", "parallel"]
S = ExecutionStatus


@dataclass(frozen=True)
class Step:
    tasks: tuple[Outcome, ...]
    approval: bool = False
    """Whether somebody has to approve it first; in these tests, somebody always does."""

    @property
    def outcome(self) -> Outcome:
        """What becomes of a step that runs alone."""
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


WHEN_QUIET = {"never": S.IN_PROGRESS, "failing": S.ERROR, "flapping": S.ERROR}
"""The status of a step that does not end."""


def expected(plan: Plan) -> list[list[ExecutionStatus]] | None:
    """The status of every step when nothing moves any more; None where a fatal step is reached."""
    statuses = [[S.PENDING for _ in phase.steps] for phase in plan.phases]
    for number, phase in _reached(plan.strategy, plan.phases):
        for index, step in _reached(phase.strategy, phase.steps):
            if step.outcome == "fatal":
                return None
            statuses[number][index] = WHEN_QUIET.get(step.outcome, S.COMPLETE)
    return statuses


def _reached(strategy: Strategy, parts: Sequence) -> Iterator[tuple[int, "Step | Phase"]]:  # type: ignore[type-arg]
    """The parts that are started: serially, none after one that does not end."""
    for index, part in enumerate(parts):
        yield index, part
        if strategy == "serial" and not _ends(part):
            return


def _ends(part: "Step | Phase") -> bool:
    """Whether a part comes to a good end."""
    if isinstance(part, Step):
        return part.outcome == "ok"
    return all(_ends(step) for step in part.steps)


def cancelled(statuses: list[list[ExecutionStatus]]) -> list[list[ExecutionStatus]]:
    """The statuses of steps after a cancel."""
    return [[S.CANCELLED if status.is_running else status for status in steps] for steps in statuses]


def check_failed(plan: Plan, status: PlanStatus) -> None:
    """Check the final status of a plan that reached a fatal step."""
    assert status.status is S.FATAL_ERROR
    assert any(step.status is S.FATAL_ERROR for phase in status.phases for step in phase.steps)
    for phase, known in zip(plan.phases, status.phases, strict=True):
        _check_phase(known)
        for step, known_step in zip(phase.steps, known.steps, strict=True):
            _check_step(step, known_step)
        _check_order(phase.strategy, [step.status for step in known.steps])
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


def _check_step(step: Step, known: StepStatus) -> None:
    possible = {
        "ok": {S.COMPLETE, S.CANCELLED, S.PENDING},
        "never": {S.CANCELLED, S.PENDING},
        "failing": {S.CANCELLED, S.PENDING},
        "flapping": {S.CANCELLED, S.PENDING},
        "fatal": {S.FATAL_ERROR, S.CANCELLED, S.PENDING},
    }
    assert known.status in possible[step.outcome]
    assert bool(known.message) == (known.status is S.FATAL_ERROR)


def _check_order(strategy: Strategy, statuses: list[ExecutionStatus]) -> None:
    """Serially, what comes after something that is not COMPLETE was never started."""
    if strategy == "serial":
        begun = [status for status in statuses if status is not S.COMPLETE]
        assert all(status is S.PENDING for status in begun[1:])
