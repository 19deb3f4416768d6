"""Sends the progress of a phase to its plan.

Each signal costs the plan a workflow task, so messages are batched: a message that arrives shortly after a signal goes
with the next one. The time between two signals doubles after every PHASE_SIGNALS of them, because a workflow accepts
10,000 signals. The result of the phase contains its final status, so messages that were not sent by then are dropped.
"""

import asyncio
import contextlib
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import FailureError

from kudo.model.execution import ProgressMessage
from kudo.model.limits import PHASE_SIGNALS
from kudo.model.status import PhaseStatus
from kudo.model.tree import phase_tree
from kudo.workflows import options
from kudo.workflows.branches import shielded


class StepChangeSender:
    """Sends messages to the plan, in order and in batches."""

    def __init__(self, status: PhaseStatus) -> None:
        self._status = status
        self._unsent: list[ProgressMessage] = []
        self._sending: asyncio.Task[None] | None = None
        self._last_sent: datetime | None = None
        self._count = 0
        self._flushing = False

    def send(self, message: ProgressMessage) -> None:
        """Send a message with the next signal."""
        self._unsent.append(message)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def flush(self) -> None:
        """Send everything now, and wait until it is sent."""
        self._flushing = True
        if self._sending is not None:
            await shielded(self._sending)

    def drop(self) -> None:
        """Drop the messages that were not sent yet."""
        self._unsent.clear()
        self._show()

    async def _send(self) -> None:
        parent = workflow.info().parent
        while parent and self._unsent:
            await self._wait_for_interval()
            self._show()
            messages, self._unsent = self._unsent, []
            plan = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
            try:
                await plan.signal("report_progress", messages)
            except FailureError as error:
                # The plan has ended, and this phase is about to.
                workflow.logger.warning("Could not signal the plan: %s", error.message)

    async def _wait_for_interval(self) -> None:
        interval = options.SIGNAL_INTERVAL * (1 << self._count // PHASE_SIGNALS)
        left = self._last_sent + interval - workflow.now() if self._last_sent else None
        if left and left.total_seconds() > 0 and not self._flushing:
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._flushing, timeout=left)
        self._last_sent = workflow.now()
        self._count += 1

    def _show(self) -> None:
        workflow.set_current_details(f"```\n{phase_tree(self._status)}\n```")
