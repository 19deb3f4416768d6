"""The status tree of a plan, which the plan alone owns."""

from collections.abc import Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import StepChange
    from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus, clip, room_for_message
    from kudo.model.tree import status_tree

Errors = dict[str, str]

SHOWN_AT_ONCE = 100
"""Steps of a plan whose tree is drawn at every change; that of a larger one is drawn when it is reported."""


class StatusTree:
    """Takes in changes of steps, from phases and from tasks that are being retried, and shows the tree."""

    def __init__(self, instance: str, plan: str) -> None:
        self._instance = instance
        self._errors: dict[tuple[str, str], Errors] = {}
        self.plan = PlanStatus(name=plan, uid=workflow.info().run_id)
        self.changed = False

    def load(self, plan: PlanStatus) -> None:
        """Start from this status."""
        self.plan = plan
        self._touch()

    def set_plan(self, status: ExecutionStatus, message: str = "") -> None:
        """Change the status of the plan itself."""
        self.plan.set(status, message, workflow.now())
        self.plan.paused = self.plan.paused and not status.terminal
        self._touch()

    def set_paused(self, paused: bool) -> None:
        """Show that the plan is paused, or is not any more."""
        self.plan.paused = paused
        self._touch()

    def set_phase(self, name: str, status: ExecutionStatus) -> None:
        """Change the status of a phase itself."""
        phase = self.plan.phase(name)
        if phase is not None:
            phase.set(status, at=workflow.now())
            self._touch()

    def settle(self, final: PhaseStatus) -> None:
        """Take over the status of a phase as it ended, whatever was heard of it before."""
        for step in final.steps:
            own = self._step(final.name, step.name)
            own.set(step.status, self._clipped(step.message))
            own.start_time, own.completion_time = step.start_time, step.completion_time
            own.children = step.children
        self.set_phase(final.name, final.status)

    def cut_off(self, name: str, status: ExecutionStatus) -> None:
        """Change the status of a phase that did not end well; what seems to run in it does not any more."""
        phase = self.plan.phase(name)
        if phase is not None:
            phase.cut_off(status, workflow.now())
            self._touch()

    def take(self, changes: Iterable[StepChange]) -> None:
        """Take in changes of steps; what comes too late for a step that has ended is dropped."""
        for change in changes:
            if not change.phase:
                self.plan.message = change.message
            step = self._step(change.phase, change.step)
            if change.child:
                step.add_child(change.child)
            if not step.status.terminal:
                self._take(step, change)
        self._touch()

    def _step(self, phase: str, step: str) -> StepStatus:
        """The step; one that nobody looks at where the plan has none of these names."""
        found = self.plan.phase(phase)
        return (found.step(step) if found else None) or StepStatus(name=step)

    def _take(self, step: StepStatus, change: StepChange) -> None:
        status = change.status
        errors = self._errors.setdefault((change.phase, change.step), {})
        if change.task:
            # A task that is being retried says so itself, past its phase.
            errors.pop(change.task, None)
            if status is ExecutionStatus.ERROR:
                errors[change.task] = change.message
            status = ExecutionStatus.IN_PROGRESS
        at = change.at or workflow.now()
        if status is ExecutionStatus.IN_PROGRESS and errors:
            step.set(ExecutionStatus.ERROR, self._clipped("\n".join(dict.fromkeys(errors.values()))), at)
        else:
            step.set(status, self._clipped(change.message) if status.terminal else "", at)

    def _clipped(self, message: str) -> str:
        return clip(message, room_for_message(self.steps))

    def _touch(self) -> None:
        self.plan.last_updated_timestamp = workflow.now()
        self.changed = True
        if self.steps <= SHOWN_AT_ONCE:
            self.show()

    @property
    def steps(self) -> int:
        """How many steps the plan has."""
        return sum(len(phase.steps) for phase in self.plan.phases)

    def show(self) -> None:
        """Show the tree in the Web UI."""
        workflow.set_current_details(f"```\n{status_tree(self._instance, self.plan)}\n```")
