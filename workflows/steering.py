"""What people ask of a running plan: to pause, to go on, to approve a step or to refuse it."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ChildWorkflowHandle

from workflows.approvals import Approvals
from workflows.handles import tell
from workflows.mirror import Mirror
from workflows.pause import Pause
from workflows.phase import Phase
from workflows.status import StatusTree
from workflows.visibility import Visibility

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import Approval, Decision
    from kudo.model.report import PlanEvent
    from kudo.model.status import PhaseStatus

PhaseHandle = ChildWorkflowHandle[Phase, PhaseStatus]


class Steering:
    """Passes on to the phases what is asked of a plan, and shows it."""

    def __init__(self, tree: StatusTree, mirror: Mirror, visibility: Visibility) -> None:
        self._tree = tree
        self._mirror = mirror
        self._visibility = visibility
        self._phases: dict[str, PhaseHandle] = {}
        self._early: dict[str, list[Decision]] = {}
        self.pause = Pause()
        self.approvals = Approvals(tree)

    async def begin(self, name: str, phase: PhaseHandle) -> None:
        """Pass on what is asked to a phase that has just begun."""
        self._phases[name] = phase
        if self.pause.on:
            await tell(phase, "set_paused", True)
        for decision in self._early.pop(name, []):
            await tell(phase, "decide", decision)

    def end(self, name: str) -> None:
        """A phase has ended."""
        self._phases.pop(name, None)

    async def set_paused(self, paused: bool, reason: str) -> None:
        """Start no further step, or go on."""
        if self.pause.on is paused or self._tree.plan.status.terminal:
            return
        self.pause.set(paused)
        self._tree.set_paused(paused)
        self._visibility.show(self._tree.plan)
        verb = "paused" if paused else "resumed"
        because = f": {reason}" if reason else ""
        self._tell(f"Plan{verb.title()}", f"The plan {self._tree.plan.name} was {verb}{because}")
        await asyncio.gather(*(tell(phase, "set_paused", paused) for phase in self._phases.values()))

    async def decide_if_waiting(self, approval: Approval, *, approved: bool) -> None:
        """Like `decide`; where no such step waits nothing happens, because nobody would hear of it."""
        try:
            self.approvals.find(approval)
        except ApplicationError as error:
            workflow.logger.warning("An approval has no effect: %s", error.message)
            return
        await self.decide(approval, approved=approved)

    async def decide(self, approval: Approval, *, approved: bool) -> None:
        """Let a step go on, or end. Raises ApplicationError where no such step waits."""
        phase, step = self.approvals.decide(approval)
        verb = "approved" if approved else "refused"
        self._tell(f"Step{verb.title()}", f"The step {phase}.{step} was {verb} by {approval}")
        decision = Decision(step=step, approved=approved, approval=approval)
        if phase in self._phases:
            await tell(self._phases[phase], "decide", decision)
        else:
            # What the phase says arrived with the news that it was started.
            self._early.setdefault(phase, []).append(decision)

    def _tell(self, reason: str, message: str) -> None:
        self._mirror.tell(PlanEvent(type="Normal", reason=reason, message=message, at=workflow.now()))
