"""Mirrors the status of a plan to its Instance, not more often than is useful."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import options
from workflows.branches import raise_if_cancelled, stop
from workflows.control import control
from workflows.status import StatusTree

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import PlanRequest
    from kudo.model.report import PlanEvent, StatusReport
    from kudo.model.status import PlanStatus


class Mirror:
    """Writes the tree to the Instance when it changed, one write at a time."""

    def __init__(self, request: PlanRequest, tree: StatusTree) -> None:
        self._request = request
        self._tree = tree
        self._following: asyncio.Task[None] | None = None

    def start(self, *events: PlanEvent) -> None:
        """Write the status and events, and from now on every change."""
        self._following = asyncio.create_task(self._follow(list(events)))

    async def finish(self, *events: PlanEvent) -> None:
        """Write the last status and events; a plan ends even if that fails, as its outcome stands.

        A plan that never started leaves the recorded status as it was, and a warning at most.
        """
        if self._following is None:
            await self._try(self._report([event for event in events if event.type == "Warning"], None))
        else:
            await stop([self._following])
            await self._try(self._write(list(events)))

    async def _try(self, write: Coroutine[Any, Any, None]) -> None:
        try:
            await asyncio.wait_for(write, options.REPORT_BOUND.total_seconds())
        except (TimeoutError, FailureError):
            workflow.logger.exception("The end of the plan could not be written to the Instance")

    async def _follow(self, events: list[PlanEvent]) -> None:
        while True:
            await workflow.wait_condition(lambda: self._tree.changed)
            try:
                await self._write(events)
            except FailureError:
                workflow.logger.exception("The status could not be written to the Instance")
            events = []
            raise_if_cancelled()
            await workflow.sleep(self._interval())

    def _interval(self) -> timedelta:
        """The status of a large plan is large, and each write of it is in the history."""
        steps = sum(len(phase.steps) for phase in self._tree.plan.phases)
        return options.REPORT_INTERVAL * max(1, steps / 100)

    async def _write(self, events: list[PlanEvent]) -> None:
        self._tree.changed = False
        await self._report(events, self._tree.plan)

    async def _report(self, events: list[PlanEvent], status: PlanStatus | None) -> None:
        if not events and status is None:
            return
        report = StatusReport(request=self._request, uid=self._tree.plan.uid, status=status, events=events)
        summary = f"Report {status.status}" if status else "Report"
        await control("report_status", report, summary)
