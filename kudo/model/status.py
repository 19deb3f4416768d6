"""How far a plan is: plan > phases > steps, with KUDO's names."""

from datetime import datetime
from enum import StrEnum

from kudo.model.base import Model, Text
from kudo.model.plans import Plan, Strategy


class ExecutionStatus(StrEnum):
    """KUDO's statuses, and CANCELLED."""

    NEVER_RUN = "NEVER_RUN"
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    ERROR = "ERROR"
    FATAL_ERROR = "FATAL_ERROR"
    CANCELLED = "CANCELLED"
    COMPLETE = "COMPLETE"

    @property
    def terminal(self) -> bool:
        """Whether nothing will change it any more, short of a new run."""
        return self in (ExecutionStatus.COMPLETE, ExecutionStatus.FATAL_ERROR, ExecutionStatus.CANCELLED)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self in (ExecutionStatus.IN_PROGRESS, ExecutionStatus.ERROR)


class StepStatus(Model):
    """The status of a step; `message` says why it is ERROR or FATAL_ERROR."""

    name: str
    status: ExecutionStatus = ExecutionStatus.PENDING
    message: Text = ""

    def set(self, status: ExecutionStatus, message: str = "") -> bool:
        """Change status and message; whether that made a difference."""
        changed = (self.status, self.message) != (status, message)
        self.status, self.message = status, message
        return changed


class PhaseStatus(Model):
    """The status of a phase and its steps."""

    name: str
    status: ExecutionStatus = ExecutionStatus.PENDING
    message: Text = ""
    strategy: Strategy | None = None
    steps: list[StepStatus] = []

    def step(self, name: str) -> StepStatus | None:
        return next((step for step in self.steps if step.name == name), None)

    def cut_off(self, status: ExecutionStatus) -> None:
        """Settle a phase that did not end well; what seems to run in it does not any more."""
        self.status = status
        for step in self.steps:
            if step.status.running:
                step.set(ExecutionStatus.CANCELLED)


class PlanStatus(Model):
    """The status of a plan and all below it; `uid` is the run's, and in Temporal the workflow's run ID."""

    name: str
    status: ExecutionStatus = ExecutionStatus.PENDING
    message: Text = ""
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
