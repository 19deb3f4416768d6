"""How a phase tells its plan about its steps."""

import asyncio
import contextlib
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import options
from workflows.branches import uninterrupted

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import StepChange
    from kudo.model.status import PhaseStatus
    from kudo.model.tree import phase_tree


class Reports:
    """Sends changes of steps to the plan, in order; what changes shortly after a signal goes with the next."""

    def __init__(self, status: PhaseStatus) -> None:
        self._status = status
        self._waiting: list[StepChange] = []
        self._sending: asyncio.Task[None] | None = None
        self._sent: datetime | None = None
        self._count = 0
        self._hurry = False

    def send(self, change: StepChange) -> None:
        """Tell the plan, soon."""
        self._waiting.append(change)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def flush(self) -> None:
        """Wait until the plan knows everything."""
        self._hurry = True
        if self._sending is not None:
            await uninterrupted(self._sending)

    async def drop(self) -> None:
        """Leave out what was not sent yet: the result of the phase says it all."""
        if not _holds_back():
            await self.flush()
            return
        self._waiting.clear()
        workflow.set_current_details(_shown(self._status))

    async def _send(self) -> None:
        parent = workflow.info().parent
        while parent and self._waiting:
            if _holds_back():
                await self._hold_back()
            workflow.set_current_details(_shown(self._status))
            changes, self._waiting = self._waiting, []
            plan = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
            try:
                await plan.signal("steps_changed", changes)
            except FailureError as error:
                # The plan has ended, and this phase is about to.
                workflow.logger.warning("The plan could not be told about steps: %s", error.message)

    async def _hold_back(self) -> None:
        """A chain of quick steps must not cost the plan a workflow task for each."""
        # The server takes 10,000 signals, and of a phase that goes on for hours each tells little.
        wait = options.HOLD_BACK * (1 << self._count // options.SIGNALS)
        left = self._sent + wait - workflow.now() if self._sent else None
        if left and left.total_seconds() > 0 and not self._hurry:
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._hurry, timeout=left)
        self._sent = workflow.now()
        self._count += 1


def _holds_back() -> bool:
    """Whether this phase was started since signals are held back; older ones go on as they began."""
    return workflow.patched("hold-back-reports")


def _shown(status: PhaseStatus) -> str:
    return f"```\n{phase_tree(status)}\n```"
