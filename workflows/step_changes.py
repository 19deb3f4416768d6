"""Sends the progress of a phase to its plan.

    step changes -> queue
    a second after the last signal, or the start          -> one signal with the queue
    an error, an approval, the start of a child's plan    -> the same at once

Each signal costs the phase and the plan a workflow task, so that a phase that takes less than a second sends none: its
result contains its final status. The time between two signals doubles after every PHASE_SIGNALS of them, because a
workflow accepts 10,000 signals.
"""

import asyncio
import contextlib
from datetime import timedelta

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
        self._is_urgent = False
        self._is_flushing = False
        self._sending: asyncio.Task[None] | None = None
        self._last = workflow.now()
        self._count = 0

    def send(self, *messages: ProgressMessage, urgent: bool = False) -> None:
        """Send messages with the next signal; at once, if they are urgent."""
        self._unsent += messages
        self._is_urgent = self._is_urgent or urgent
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def flush(self) -> None:
        """Send everything now, and wait until it is sent."""
        self._is_flushing = True
        if self._sending is not None:
            await shielded(self._sending)

    def drop(self) -> None:
        """Drop the messages that were not sent yet."""
        self._unsent.clear()
        if self._sending is not None:
            self._sending.cancel()
        self._show()

    async def _send(self) -> None:
        parent = workflow.info().parent
        while parent and self._unsent:
            await self._wait_for_interval()
            self._show()
            messages, self._unsent, self._is_urgent = self._unsent, [], False
            plan = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
            try:
                # Shielded: the signal of a workflow that is cancelled while it is sent never ends.
                await shielded(plan.signal("report_progress", messages))
            except FailureError as error:
                # The plan has ended, and this phase is about to.
                workflow.logger.warning("Could not signal the plan: %s", error.message)

    async def _wait_for_interval(self) -> None:
        while not self._is_flushing and (left := self._last + self._interval() - workflow.now()) > timedelta(0):
            # Nothing but an urgent message makes the interval shorter.
            ready = self._flushes if self._is_urgent else self._flushes_or_is_urgent
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(ready, timeout=left)
        self._last = workflow.now()
        self._count += 1

    def _flushes(self) -> bool:
        return self._is_flushing

    def _flushes_or_is_urgent(self) -> bool:
        return self._is_flushing or self._is_urgent

    def _interval(self) -> timedelta:
        """Return the least time since the last signal, or since the start."""
        if self._is_urgent and not self._count:
            return timedelta(0)
        interval = options.SIGNAL_INTERVAL if self._is_urgent else options.REPORT_INTERVAL
        return interval * (1 << self._count // PHASE_SIGNALS)

    def _show(self) -> None:
        workflow.set_current_details(f"```\n{phase_tree(self._status)}\n```")
