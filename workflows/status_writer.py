"""Writes the status of a plan to its Instance: at its start, when something lasts, on errors, and at its end.

    start -> report_status -> StatusTree has news -> report_status -> wait for the interval -> news -> … -> end

News during a write or within the interval go with the next write. The interval grows with the number of steps and with
what was written so far, because each report is in the history of the plan. A quick plan has no news, so that its start
and its end are all that is written: by local activities, as nothing but news depends on when those end.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

from kudo.model.base import byte_size
from kudo.model.execution import PlanRequest
from kudo.model.limits import STATUS_REPORT_BYTES
from kudo.model.report import PlanEvent, StatusReport
from kudo.workflows import options
from kudo.workflows.branches import cancel_and_wait, raise_if_cancelled
from kudo.workflows.children import report_to_parent
from kudo.workflows.control_activities import Execute, execute_control_activity, execute_local_first
from kudo.workflows.failures import root_cause
from kudo.workflows.status_tree import StatusTree


class StatusWriter:
    """Writes the status tree to the Instance when it has changed, one write at a time."""

    def __init__(self, request: PlanRequest, tree: StatusTree) -> None:
        self._request = request
        self._tree = tree
        self._following: asyncio.Task[None] | None = None
        self._events: list[PlanEvent] = []
        self._written = 0
        self._instance_uid = ""

    def start(self, event: PlanEvent, instance_uid: str) -> None:
        """Write the status and an event to the Instance with this uid, and from now on all news."""
        self._instance_uid = instance_uid
        self._events.append(event)
        self._following = asyncio.create_task(self._follow())

    def add_event(self, event: PlanEvent) -> None:
        """Write an event, with the next status."""
        self._events.append(event)
        self._tree.changed = True

    @property
    def has_started(self) -> bool:
        """Whether anything of this run was written."""
        return self._following is not None

    async def finish(self, events: Iterable[PlanEvent]) -> None:
        """Write the final status and events; a plan ends even if that fails, because its outcome stands."""
        if self._following is not None:
            await cancel_and_wait([self._following])
        self._events += events
        try:
            await self._write(_write_end)
        except (TimeoutError, FailureError) as error:
            _warn_of_end(error)

    async def refuse(self, event: PlanEvent) -> None:
        """Write why a run could not begin; the recorded status of the plan stays, and no unknown plan is recorded."""
        status = None if event.reason == "InvalidPlan" else self._tree.plan
        report = StatusReport(request=self._request, uid=self._tree.plan.uid, status=status, keep=True, events=[event])
        try:
            await _execute_in_time("report_status", report, f"Report {event.reason}")
        except (TimeoutError, FailureError) as error:
            _warn_of_end(error)

    async def _follow(self) -> None:
        await self._try_write(execute_local_first)
        while True:
            await workflow.wait_condition(lambda: self._tree.changed or self._tree.child_changed)
            await (self._try_write(execute_control_activity) if self._tree.changed else self._report_to_parent())
            await workflow.sleep(self._interval())

    async def _try_write(self, execute: Execute) -> None:
        try:
            await self._write(execute)
        except FailureError as error:
            raise_if_cancelled()
            workflow.logger.warning("Could not write the status to the Instance: %s", root_cause(error).message)
        raise_if_cancelled()

    def _interval(self) -> timedelta:
        """Return the time until the next write."""
        slower = 1 << self._written // STATUS_REPORT_BYTES
        return options.REPORT_INTERVAL * max(1, self._tree.steps / 100) * slower

    async def _write(self, execute: Execute) -> None:
        self._tree.has_written()
        self._tree.show()
        plan = self._tree.plan
        plan.sequence += 1
        events = list(self._events)
        report = StatusReport(
            request=self._request, uid=plan.uid, instance_uid=self._instance_uid, status=plan, events=events
        )
        self._written += byte_size(plan)
        await self._report_to_parent()
        await execute("report_status", report, f"Report {plan.status}")
        del self._events[: len(events)]

    async def _report_to_parent(self) -> None:
        self._tree.child_changed = False
        await report_to_parent(self._request, self._tree.detailed())


async def _write_end(activity: str, report: object, summary: str) -> None:
    # The timer of a bound must not run beside a local activity: see `execute_local_first`.
    await execute_local_first(activity, report, summary, otherwise=_execute_in_time)


async def _execute_in_time(activity: str, report: object, summary: str) -> None:
    """Run a control activity. Raises TimeoutError after REPORT_BOUND."""
    async with asyncio.timeout(options.REPORT_BOUND.total_seconds()):
        await execute_control_activity(activity, report, summary)


def _warn_of_end(error: Exception) -> None:
    reason = root_cause(error).message if isinstance(error, FailureError) else "it took too long"
    workflow.logger.warning("Could not write the end of the plan to the Instance: %s", reason)
