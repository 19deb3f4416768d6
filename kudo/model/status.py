"""How far a plan is: plan > phases > steps, with KUDO's names."""

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
    def terminal(self) -> bool:
        """Whether nothing will change it any more, short of a new run."""
        return self.done or self in (ExecutionStatus.FATAL_ERROR, ExecutionStatus.CANCELLED)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do for it."""
        return self in (ExecutionStatus.COMPLETE, ExecutionStatus.SKIPPED)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self in (ExecutionStatus.IN_PROGRESS, ExecutionStatus.ERROR, ExecutionStatus.WAITING_APPROVAL)


def clip(text: str, size: int = STEP_MESSAGE_BYTES) -> str:
    """A text that has no more than so many bytes in UTF-8, with what was cut off marked."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return text
    return encoded[: size - 3].decode(errors="ignore") + "…"


class Timed(Model):
    """Something with a status, and the times between which it ran."""

    name: str
    status: ExecutionStatus = ExecutionStatus.PENDING
    message: Text = ""
    start_time: Annotated[datetime | None, OMIT_EMPTY] = None
    completion_time: Annotated[datetime | None, OMIT_EMPTY] = None

    def set(self, status: ExecutionStatus, message: str = "", at: datetime | None = None) -> bool:
        """Change status and message, at a time; whether that made a difference."""
        changed = (self.status, self.message) != (status, message)
        if status.running:
            self.start_time = self.start_time or at
            self.completion_time = None
        elif status.terminal and self.start_time and not self.completion_time:
            self.completion_time = at
        self.status, self.message = status, message
        return changed


class ChildPlan(Model):
    """The plan of a child Instance, which a step has run."""

    instance: Name
    plan: Name
    uid: Text = ""
    """The run's: in Temporal the workflow's run ID."""
    status: "Annotated[PlanStatus | None, OMIT_EMPTY]" = None
    """How far it is; recorded nowhere but in the child, and read from there."""


class StepStatus(Timed):
    """The status of a step; `message` says why it is ERROR or FATAL_ERROR."""

    children: Annotated[list[ChildPlan], OMIT_EMPTY] = []
    """The plans of child Instances that it runs, or has run."""

    def add_child(self, child: ChildPlan) -> None:
        """Have run another plan of a child, instead of one before it."""
        self.children = [other for other in self.children if other.instance != child.instance] + [child]


class PhaseStatus(Timed):
    """The status of a phase and its steps."""

    strategy: Strategy | None = None
    steps: list[StepStatus] = []

    def step(self, name: str) -> StepStatus | None:
        return next((step for step in self.steps if step.name == name), None)

    def cut_off(self, status: ExecutionStatus, at: datetime | None = None) -> None:
        """Settle a phase that did not end well; what seems to run in it does not any more."""
        self.set(status, at=at)
        for step in self.steps:
            if step.status.running:
                step.set(ExecutionStatus.CANCELLED, at=at)

    def skip(self, steps: Iterable[StepStatus]) -> None:
        """Leave out steps that are not COMPLETE; a phase of which nothing runs is left out as a whole."""
        for step in steps:
            if step.status is not ExecutionStatus.COMPLETE:
                step.set(ExecutionStatus.SKIPPED)
        if self.steps and all(step.status is ExecutionStatus.SKIPPED for step in self.steps):
            self.set(ExecutionStatus.SKIPPED)


class PlanStatus(Timed):
    """The status of a plan and all below it; `uid` is the run's, and in Temporal the workflow's run ID."""

    paused: Annotated[bool, OMIT_EMPTY] = False
    """Whether it was asked to start no further step, beside what it is."""
    last_updated_timestamp: datetime | None = None
    uid: Text = ""
    strategy: Strategy | None = None
    phases: list[PhaseStatus] = []

    def phase(self, name: str) -> PhaseStatus | None:
        return next((phase for phase in self.phases if phase.name == name), None)

    def failed_steps(self) -> list[tuple[PhaseStatus, StepStatus]]:
        """The steps that say why something is wrong."""
        return [(phase, step) for phase in self.phases for step in phase.steps if step.message]

    def cut_off(self, status: ExecutionStatus, message: str) -> None:
        """Settle a plan whose workflow is gone: what seems to run does not any more."""
        self.status, self.message = status, message
        for phase in self.phases:
            if phase.status.running:
                phase.cut_off(ExecutionStatus.CANCELLED)

    @classmethod
    def pending(cls, name: str, plan: Plan, uid: str = "") -> "PlanStatus":
        """A plan of which nothing was started."""
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
