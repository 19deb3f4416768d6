"""The status of a plan: plan > phases > steps, with KUDO's field names."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.limits import STEP_MESSAGE_BYTES
from kudo.model.plans import Plan, Strategy


class ExecutionStatus(StrEnum):
    """KUDO's statuses, and WAITING_APPROVAL, SKIPPED and CANCELLED."""

    NEVER_RUN = "NEVER_RUN"
    PENDING = "PENDING"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    IN_PROGRESS = "IN_PROGRESS"
    ERROR = "ERROR"
    FATAL_ERROR = "FATAL_ERROR"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    COMPLETE = "COMPLETE"

    @property
    def is_terminal(self) -> bool:
        """Whether the status is final."""
        return self.is_done or self in (ExecutionStatus.FATAL_ERROR, ExecutionStatus.CANCELLED)

    @property
    def is_done(self) -> bool:
        """Whether the status is COMPLETE or SKIPPED."""
        return self in (ExecutionStatus.COMPLETE, ExecutionStatus.SKIPPED)

    @property
    def is_running(self) -> bool:
        """Whether the plan, phase or step has started and not ended."""
        return self in (ExecutionStatus.IN_PROGRESS, ExecutionStatus.ERROR, ExecutionStatus.WAITING_APPROVAL)


def clip(text: str, size: int = STEP_MESSAGE_BYTES) -> str:
    """Return a text cut to `size` bytes in UTF-8; an ellipsis marks the cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return text
    return encoded[: size - 3].decode(errors="ignore") + "…"


class ExecutionState(Model):
    """The status of a plan, phase or step, with its start and completion times."""

    name: str
    status: ExecutionStatus = ExecutionStatus.PENDING
    message: Text = ""
    start_time: Annotated[datetime | None, OMIT_EMPTY] = None
    completion_time: Annotated[datetime | None, OMIT_EMPTY] = None

    def set(self, status: ExecutionStatus, message: str = "", at: datetime | None = None) -> bool:
        """Set status and message. Return whether status or message changed.

        Set the start or completion time to `at`, unless it is set already; a status that is running clears the
        completion time.
        """
        changed = (self.status, self.message) != (status, message)
        if status.is_running:
            self.start_time = self.start_time or at
            self.completion_time = None
        elif status.is_terminal and self.start_time and not self.completion_time:
            self.completion_time = at
        self.status, self.message = status, message
        return changed


class ChildPlan(Model):
    """The plan of a child Instance that a step runs."""

    instance: Name
    plan: Name
    uid: Text = ""
    """The run ID of the workflow."""
    status: "Annotated[PlanStatus | None, OMIT_EMPTY]" = None
    """The status of the child's plan; recorded only in the child, and read from there."""


class StepStatus(ExecutionState):
    """The status of a step; `message` is the reason for ERROR or FATAL_ERROR."""

    children: Annotated[list[ChildPlan], OMIT_EMPTY] = []
    """The plans of child Instances that the step runs or has run."""

    def add_child(self, child: ChildPlan) -> None:
        """Add the plan of a child; it replaces an earlier plan of the same child."""
        self.children = [other for other in self.children if other.instance != child.instance] + [child]


class PhaseStatus(ExecutionState):
    """The status of a phase and its steps."""

    strategy: Strategy | None = None
    steps: list[StepStatus] = []

    def step(self, name: str) -> StepStatus | None:
        return next((step for step in self.steps if step.name == name), None)

    def cut_off(self, status: ExecutionStatus, at: datetime | None = None) -> None:
        """End a phase that did not complete: set its status, and that of running steps to CANCELLED."""
        self.set(status, at=at)
        for step in self.steps:
            if step.status.is_running:
                step.set(ExecutionStatus.CANCELLED, at=at)

    def skip(self, steps: Iterable[StepStatus]) -> None:
        """Mark steps that are not COMPLETE as SKIPPED, and the phase itself if all its steps are."""
        for step in steps:
            if step.status is not ExecutionStatus.COMPLETE:
                step.set(ExecutionStatus.SKIPPED)
        if self.steps and all(step.status is ExecutionStatus.SKIPPED for step in self.steps):
            self.set(ExecutionStatus.SKIPPED)


class PlanStatus(ExecutionState):
    """The status of a plan with its phases and steps; `uid` is the run ID of the workflow."""

    paused: Annotated[bool, OMIT_EMPTY] = False
    """Whether the plan is paused: it starts no further steps."""
    last_updated_timestamp: datetime | None = None
    sequence: Annotated[int, OMIT_EMPTY] = 0
    """How many times the run has reported its status; a report with a lower number arrives late."""
    uid: Text = ""
    strategy: Strategy | None = None
    phases: list[PhaseStatus] = []

    def phase(self, name: str) -> PhaseStatus | None:
        return next((phase for phase in self.phases if phase.name == name), None)

    @property
    def summary(self) -> str:
        """The status in a word: PAUSED or WAITING_APPROVAL instead of IN_PROGRESS, where that says more."""
        if self.status.is_terminal:
            return self.status
        if self.paused:
            return "PAUSED"
        return ExecutionStatus.WAITING_APPROVAL if self.waiting_for_approval() else self.status

    def waiting_for_approval(self) -> list[tuple[PhaseStatus, StepStatus]]:
        """Return the steps that wait for an approval, each with its phase."""
        waiting = ExecutionStatus.WAITING_APPROVAL
        return [(phase, step) for phase in self.phases for step in phase.steps if step.status is waiting]

    def failed_steps(self) -> list[tuple[PhaseStatus, StepStatus]]:
        """Return the steps that have a message, each with its phase."""
        return [(phase, step) for phase in self.phases for step in phase.steps if step.message]

    def cut_off(self, status: ExecutionStatus, message: str) -> None:
        """End a plan whose workflow no longer exists: set its status, and that of running phases to CANCELLED."""
        self.status, self.message = status, message
        for phase in self.phases:
            if phase.status.is_running:
                phase.cut_off(ExecutionStatus.CANCELLED)

    @classmethod
    def pending(cls, name: str, plan: Plan, uid: str = "") -> "PlanStatus":
        """Return the status of a plan that has not started."""
        return cls(
            name=name,
            uid=uid,
            strategy=plan.strategy,
            phases=[
                PhaseStatus(
                    name=phase.name,
                    strategy=phase.strategy,
                    steps=[StepStatus(name=step.name) for step in phase.steps],
                )
                for phase in plan.phases
            ],
        )
