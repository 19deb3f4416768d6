"""The status tree of a plan: the plan alone owns it, and phases and activities report their progress to it."""

from collections.abc import Iterable

from temporalio import workflow

from kudo.model.execution import (
    ChildPlanChanged,
    LoadErrorChanged,
    PlanRequest,
    ProgressMessage,
    StepChanged,
    TaskErrorChanged,
    TaskWaitChanged,
)
from kudo.model.limits import step_message_bytes
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus, clip
from kudo.model.tree import status_tree, wrapped
from kudo.workflows import options

COLUMNS = 57
"""Characters that the column for details in the Web UI has in a window of 1280 pixels."""

SHOWN_AT_ONCE = 100
"""Steps up to which the tree is drawn at every change; a larger tree is drawn when it is reported."""


class StatusTree:
    """The status of a plan, its phases and steps.

    `changed` is set by news, which the Instance must have soon: messages, controls, and whatever changes some time
    after the last write. A quick plan has none. The writer clears it.
    """

    def __init__(self, request: PlanRequest) -> None:
        self._request = request
        self._errors: dict[tuple[str, str], dict[str, str]] = {}
        """The errors that the tasks of a step are retried on, by phase and step, and by task."""
        self._waits: dict[tuple[str, str], dict[str, str]] = {}
        """What the tasks of a step have been waiting for, by phase and step, and by task."""
        self._attempts: dict[tuple[str, str], dict[str, int]] = {}
        """The last known attempts of tasks that are retried, by phase and step, and by task."""
        self._child_plans: dict[str, PlanStatus] = {}
        """The status of the plans of children, by uid; it is recorded in the children."""
        self.plan = PlanStatus(name=request.plan, uid=workflow.info().run_id)
        self.changed = False
        self._written_at = workflow.now()
        self.child_changed = False
        """Whether the plan of a child has changed; set and cleared like `changed`."""

    def load(self, plan: PlanStatus) -> None:
        """Start from a status."""
        self.plan = plan
        self._touch()

    def set_plan(self, status: ExecutionStatus, message: str = "") -> None:
        """Set the status of the plan itself."""
        self.plan.set(status, message, workflow.now())
        self.plan.paused = self.plan.paused and not status.is_terminal
        self._touch()

    def set_paused(self, paused: bool) -> None:
        """Set whether the plan is paused."""
        self.plan.paused = paused
        self._touch()
        self.changed = True

    def set_phase(self, name: str, status: ExecutionStatus) -> None:
        """Set the status of a phase itself."""
        phase = self.plan.phase(name)
        if phase is not None:
            phase.set(status, at=workflow.now())
            self._touch()

    def finish_phase(self, final: PhaseStatus) -> None:
        """Set a phase and its steps to the status that the phase ended with; it overrides earlier messages."""
        for step in final.steps:
            known = self._step(final.name, step.name)
            known.set(step.status, self._clipped(step.message))
            known.start_time, known.completion_time = step.start_time, step.completion_time
            known.children = step.children
        self.set_phase(final.name, final.status)

    def abort_phase(self, name: str, status: ExecutionStatus) -> None:
        """Set the status of a phase that did not end well; its running steps become CANCELLED."""
        phase = self.plan.phase(name)
        if phase is not None:
            phase.cut_off(status, workflow.now())
            self._touch()

    def apply(self, messages: Iterable[ProgressMessage]) -> None:
        """Apply messages of phases and activities; those for a step that has ended are ignored."""
        is_recorded = False
        for message in messages:
            is_recorded |= not (isinstance(message, ChildPlanChanged) and message.child.status)
            match message:
                case LoadErrorChanged():
                    self.plan.message = message.error
                case StepChanged():
                    self._change_step(message)
                case TaskErrorChanged():
                    self._change_error(message)
                case TaskWaitChanged():
                    self._change_wait(message)
                case ChildPlanChanged():
                    self._change_child(message)
        if is_recorded:
            self._touch()
            self.changed = True
        else:
            self._show_if_small()

    def _step(self, phase: str, name: str) -> StepStatus:
        """Return the step; one that is in no plan if the plan has none of these names."""
        found = self.plan.phase(phase)
        return (found.step(name) if found else None) or StepStatus(name=name)

    def _change_step(self, message: StepChanged) -> None:
        step = self._step(message.phase, message.step)
        if step.status.is_terminal:
            return
        if message.status is ExecutionStatus.IN_PROGRESS and self._errors.get((message.phase, message.step)):
            self._show_step(message.phase, message.step)
        else:
            step.set(message.status, self._clipped(message.message) if message.status.is_terminal else "", message.at)

    def _change_error(self, message: TaskErrorChanged) -> None:
        errors = self._errors.setdefault((message.phase, message.step), {})
        attempts = self._attempts.setdefault((message.phase, message.step), {})
        errors.pop(message.task, None)
        attempts.pop(message.task, None)
        if message.error:
            errors[message.task] = message.error
            attempts[message.task] = message.attempt
        if not self._step(message.phase, message.step).status.is_terminal:
            self._show_step(message.phase, message.step)

    def _change_child(self, message: ChildPlanChanged) -> None:
        child = message.child
        if child.status:
            self._child_plans[child.uid] = child.status
            self.child_changed = True
            return
        self._step(message.phase, message.step).add_child(child)
        self._change_error(TaskErrorChanged(phase=message.phase, step=message.step, task=message.task))

    def _change_wait(self, message: TaskWaitChanged) -> None:
        waits = self._waits.setdefault((message.phase, message.step), {})
        waits.pop(message.task, None)
        if message.waiting:
            waits[message.task] = message.waiting
        if self._step(message.phase, message.step).status is ExecutionStatus.IN_PROGRESS:
            self._show_step(message.phase, message.step)

    def _show_step(self, phase: str, name: str) -> None:
        """Show the step as ERROR with the errors of its tasks, or as IN_PROGRESS with their waits if there are none."""
        errors = self._errors.get((phase, name))
        status = ExecutionStatus.ERROR if errors else ExecutionStatus.IN_PROGRESS
        lines = errors or self._waits.get((phase, name)) or {}
        message = self._clipped("\n".join(dict.fromkeys(lines.values())))
        self._step(phase, name).set(status, message, workflow.now())

    def _clipped(self, message: str) -> str:
        return clip(message, step_message_bytes(self.steps))

    def _touch(self) -> None:
        now = workflow.now()
        self.plan.last_updated_timestamp = now
        self.changed = self.changed or now - self._written_at >= options.REPORT_INTERVAL
        self._show_if_small()

    def has_written(self) -> None:
        """Called when the status is written."""
        self.changed = False
        # Not the time now, which the writer must not read.
        self._written_at = self.plan.last_updated_timestamp or self._written_at

    @property
    def steps(self) -> int:
        """How many steps the plan has."""
        return sum(len(phase.steps) for phase in self.plan.phases)

    def detailed(self) -> PlanStatus:
        """Return the status with the plans of children, and the attempts of tasks that are retried."""
        if not (self._attempts or self._child_plans):
            return self.plan
        plan = self.plan.model_copy(deep=True)
        for phase in plan.phases:
            for step in phase.steps:
                for child in step.children:
                    child.status = self._child_plans.get(child.uid)
                if step.status is ExecutionStatus.ERROR:
                    attempts = self._attempts.get((phase.name, step.name), {})
                    again = [
                        f"task {task}: attempt {number} or later" for task, number in attempts.items() if number > 1
                    ]
                    step.message = "\n".join([step.message, *again])
        return plan

    def _show_if_small(self) -> None:
        if self.steps <= SHOWN_AT_ONCE:
            self.show()

    def show(self) -> None:
        """Show the tree in the Web UI, as the current details of the workflow."""
        tree = f"```\n{wrapped(status_tree(self._request.instance, self.detailed(), times=True), COLUMNS)}\n```"
        hints = (
            f"The step {phase.name}.{step.name} waits for approval: "
            f"`kudo plan approve {self._request.options} --step {phase.name}.{step.name}`, or `refuse`."
            for phase, step in self.plan.waiting_for_approval()
        )
        workflow.set_current_details("\n\n".join([tree, *hints]))
