"""Controls of a running plan: pause and resume it, approve or refuse a step.

A control arrives at the plan, which shows it in its status and passes it on to the phases that run. A phase that starts
later gets the current pause, and the decisions that arrived before it started.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ChildWorkflowHandle

from kudo.model.execution import Approval, Decision
from kudo.model.report import PlanEvent
from kudo.model.status import ExecutionStatus, PhaseStatus
from kudo.workflows.children import signal_child
from kudo.workflows.deadlines import Pause
from kudo.workflows.phase import Phase
from kudo.workflows.search_attributes import SearchAttributes
from kudo.workflows.status_tree import StatusTree
from kudo.workflows.status_writer import StatusWriter

PhaseHandle = ChildWorkflowHandle[Phase, PhaseStatus]


class Approvals:
    """Finds the step that an approval is for."""

    def __init__(self, tree: StatusTree) -> None:
        self._tree = tree
        self._decided: set[tuple[str, str]] = set()

    def find(self, approval: Approval) -> tuple[str, str]:
        """Return the phase and step that it is for. Raises ApplicationError if no such step waits."""
        waiting = [
            (phase.name, step.name)
            for phase in self._tree.plan.phases
            for step in phase.steps
            if step.status is ExecutionStatus.WAITING_APPROVAL and (phase.name, step.name) not in self._decided
        ]
        found = [place for place in waiting if approval.step in ("", ".".join(place))]
        if len(found) == 1:
            return found[0]
        raise ApplicationError(_refusal(approval.step, waiting), type="NoSuchApproval", non_retryable=True)

    def decide(self, approval: Approval) -> tuple[str, str]:
        """Like `find`; the step does not wait any longer."""
        place = self.find(approval)
        self._decided.add(place)
        return place


def _refusal(step: str, waiting: list[tuple[str, str]]) -> str:
    if not waiting:
        return "No step of the plan waits for approval."
    problem = f"The step {step} does not wait for approval." if step else "Several steps wait for approval; name one."
    return f"{problem} Steps that wait: {', '.join(map('.'.join, waiting))}."


class PlanControls:
    """Passes controls on to the phases, and shows them in the status and the events of the plan."""

    def __init__(self, tree: StatusTree, writer: StatusWriter, search_attributes: SearchAttributes) -> None:
        self._tree = tree
        self._writer = writer
        self._search_attributes = search_attributes
        self._phases: dict[str, PhaseHandle] = {}
        self._early_decisions: dict[str, list[Decision]] = {}
        self.pause = Pause()
        self.approvals = Approvals(tree)

    async def add_phase(self, name: str, phase: PhaseHandle) -> None:
        """Pass controls on to a phase that has just started."""
        self._phases[name] = phase
        if self.pause.active:
            await signal_child(phase, "set_paused", True)
        for decision in self._early_decisions.pop(name, []):
            await signal_child(phase, "decide", decision)

    def remove_phase(self, name: str) -> None:
        """Pass nothing on to a phase that has ended."""
        self._phases.pop(name, None)

    async def set_paused(self, paused: bool, reason: str) -> None:
        """Pause or resume the plan."""
        if self.pause.active is paused or self._tree.plan.status.is_terminal:
            return
        self.pause.set(paused)
        self._tree.set_paused(paused)
        self._search_attributes.write(self._tree.plan)
        verb = "paused" if paused else "resumed"
        because = f": {reason}" if reason else ""
        self._add_event(f"Plan{verb.title()}", f"The plan {self._tree.plan.name} was {verb}{because}")
        await asyncio.gather(*(signal_child(phase, "set_paused", paused) for phase in self._phases.values()))

    async def decide_if_waiting(self, approval: Approval, *, approved: bool) -> None:
        """Like `decide`, but log if no such step waits: a signal has no answer."""
        try:
            self.approvals.find(approval)
        except ApplicationError as error:
            workflow.logger.warning("An approval has no effect: %s", error.message)
            return
        await self.decide(approval, approved=approved)

    async def decide(self, approval: Approval, *, approved: bool) -> None:
        """Approve or refuse a step. Raises ApplicationError if no such step waits."""
        phase, step = self.approvals.decide(approval)
        verb = "approved" if approved else "refused"
        self._add_event(f"Step{verb.title()}", f"The step {phase}.{step} was {verb} by {approval}")
        decision = Decision(step=step, approved=approved, approval=approval)
        if phase in self._phases:
            await signal_child(self._phases[phase], "decide", decision)
        else:
            # The first messages of a phase can arrive together with the event that it has started.
            self._early_decisions.setdefault(phase, []).append(decision)

    def _add_event(self, reason: str, message: str) -> None:
        self._writer.add_event(PlanEvent(type="Normal", reason=reason, message=message, at=workflow.now()))
