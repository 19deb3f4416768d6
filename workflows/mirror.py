"""Mirrors the status of a plan to its Instance, not more often than is useful."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import options
from workflows.branches import raise_if_cancelled, stop
from workflows.status import StatusTree

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import PlanRequest
    from kudo.model.report import PlanEvent, StatusReport


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
        """Write the last status and events; a plan ends even if that fails, as its outcome stands."""
        if self._following is not None:
            await stop([self._following])
        await self._try(self._write(list(events)))

    async def warn(self, event: PlanEvent) -> None:
        """Write an event alone."""
        report = StatusReport(request=self._request, uid=self._tree.plan.uid, events=[event])
        await self._try(self._report(report, event.reason))

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
            await workflow.sleep(options.REPORT_INTERVAL)

    async def _write(self, events: list[PlanEvent]) -> None:
        self._tree.changed = False
        plan = self._tree.plan
        report = StatusReport(request=self._request, uid=plan.uid, status=plan, events=events)
        await self._report(report, plan.status)

    async def _report(self, report: StatusReport, what: str) -> None:
        await workflow.execute_activity("report_status", report, summary=f"Report {what}", **options.SHORT)
