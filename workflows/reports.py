"""How a phase tells its plan about its steps."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows.branches import uninterrupted

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import StepChange


class Reports:
    """Sends changes of steps to the plan, in order; what changes while a signal is under way goes with the next."""

    def __init__(self) -> None:
        self._waiting: dict[str, StepChange] = {}
        self._sending: asyncio.Task[None] | None = None

    def send(self, change: StepChange) -> None:
        """Tell the plan, soon."""
        self._waiting[change.step] = change
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def flush(self) -> None:
        """Wait until the plan knows everything."""
        if self._sending is not None:
            await uninterrupted(self._sending)

    async def _send(self) -> None:
        parent = workflow.info().parent
        while parent and self._waiting:
            changes = list(self._waiting.values())
            self._waiting.clear()
            plan = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
            try:
                await plan.signal("steps_changed", changes)
            except FailureError as error:
                # The plan has ended, and this phase is about to.
                workflow.logger.warning("The plan could not be told about steps: %s", error.message)
