"""One run of a plan: its status while it runs, and its outcome."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.exceptions import ApplicationError, CancelledError, FailureError
from temporalio.service import RPCError

from kudo.client.connection import brief, has_worker
from kudo.client.origin import Origin
from kudo.client.rpc import translated_errors
from kudo.errors import KudoError, TemporalUnavailable
from kudo.model.execution import PlanRequest
from kudo.model.status import ChildPlan, ExecutionStatus, PlanStatus

QUERY_TIMEOUT = timedelta(seconds=3)
"""How long a worker may take to answer a query; without a worker, none is answered."""

ENDED_TIMEOUT = timedelta(seconds=15)
"""The same for a plan that has ended, whose history the worker has to replay."""

QUERIES = 3
"""How often a query is sent that the worker fails: after a failure, it replays the workflow from the beginning."""

UI = "KUDO_TEMPORAL_UI"
"""The environment variable with the address of Temporal's Web UI."""

SLOT_WAIT = timedelta(seconds=5)
"""How long a task may be scheduled before it counts as one that waits for a worker."""

POLL = 0.3
"""Seconds between two queries of a plan that is followed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of a plan ended."""

    status: PlanStatus
    failure: str = ""
    """The name of the event that ended it; empty if it is COMPLETE."""
    message: str = ""

    @property
    def complete(self) -> bool:
        return self.status.status is ExecutionStatus.COMPLETE


class Run:
    """One run of a plan."""

    def __init__(self, client: Client, handle: WorkflowHandle[Any, PlanStatus], origin: Origin) -> None:
        self._client = client
        self._handle = handle
        self.origin = origin

    @property
    def request(self) -> PlanRequest:
        return self.origin.request

    @property
    def workflow_id(self) -> str:
        return self._handle.id

    @property
    def run_id(self) -> str:
        return self._handle.result_run_id or self._handle.run_id or ""

    @property
    def link(self) -> str:
        """The address of the run in Temporal's Web UI, if KUDO_TEMPORAL_UI or Temporal Cloud tells that; else empty."""
        ui = find_ui(self._client)
        return address_of_run(ui, self._client.namespace, self.workflow_id, self.run_id) if ui else ""

    async def has_worker(self) -> bool:
        """Whether a worker has polled Temporal recently. Raises TemporalUnavailable."""
        return await has_worker(self._client)

    async def status(self) -> PlanStatus:
        """Query the workflow for its status. Raises TemporalUnavailable if no worker answers."""
        return await query_status(self._handle)

    async def explained(self) -> PlanStatus:
        """Return the status, in which the messages of running steps show their wait. Raises TemporalUnavailable."""
        status = await self.status()
        for phase in status.phases:
            doing = await self._doing(phase.name) if phase.status.is_running else {}
            for step in phase.steps:
                if step.status in (ExecutionStatus.IN_PROGRESS, ExecutionStatus.ERROR):
                    current = doing.get(step.name, [])
                    # The recorded wait of a running step may be out of date.
                    known = [] if current and step.status is ExecutionStatus.IN_PROGRESS else step.message.splitlines()
                    step.message = "\n".join(dict.fromkeys([*known, *current]))
                elif step.status is ExecutionStatus.WAITING_APPROVAL:
                    step.message = f"waits for approval: `kudo plan approve {self.request.options}`, or `refuse`"
        return await self.add_children(status)

    async def add_children(self, status: PlanStatus) -> PlanStatus:
        """Add the status of the children's plans, as far as Temporal has them; return the status."""
        for child in (child for phase in status.phases for step in phase.steps for child in step.children):
            with suppress(TemporalUnavailable):
                child.status = await self._child(child).current()
        return status

    def _child(self, child: ChildPlan) -> "Run":
        request = PlanRequest(namespace=self.request.namespace, instance=child.instance, plan=child.plan)
        handle = self._client.get_workflow_handle(request.workflow_id, run_id=child.uid, result_type=PlanStatus)
        return Run(self._client, handle, Origin(request, self.origin.time, f"workflow {self.workflow_id}"))

    async def _doing(self, phase: str) -> dict[str, list[str]]:
        """Return waits and attempts of the tasks of a phase, by step, from the heartbeats of their activities."""
        found: dict[str, list[str]] = {}
        with suppress(RPCError):
            child = await self._client.get_workflow_handle(f"{self.workflow_id}/{phase}").describe()
            for activity in child.raw_description.pending_activities:
                step, _, task = activity.activity_id.removeprefix(f"{phase}.").rpartition(".")
                beats = await self._client.data_converter.decode(activity.heartbeat_details.payloads)
                lines = [beat["waiting"] for beat in beats if beat.get("waiting") and not beat.get("error")]
                if activity.attempt > 1:
                    lines.append(f"task {task}: attempt {activity.attempt}")
                elif _waits_for_slot(activity):
                    lines.append(f"task {task}: waits until a worker has a free slot for it")
                found.setdefault(step, []).extend(lines)
        return found

    async def current(self) -> PlanStatus:
        """Return the current status, or the final one. Raises TemporalUnavailable if no worker answers."""
        with translated_errors():
            description = await self._handle.describe()
        if description.status is WorkflowExecutionStatus.RUNNING:
            return await self.explained()
        return await self.add_children((await self.outcome()).status)

    async def follow(self) -> AsyncGenerator[PlanStatus, None]:
        """Yield the status whenever it changes, until the run ends. Raises TemporalUnavailable without a server."""
        ended = asyncio.create_task(self.outcome())
        shown = ""
        try:
            while not ended.done():
                try:
                    status = await self.explained()
                except TemporalUnavailable:
                    # No worker answers at the moment; the plan continues when one is back.
                    pass
                else:
                    if (seen := status.model_dump_json()) != shown:
                        shown = seen
                        yield status
                await asyncio.wait([ended], timeout=POLL)
            yield await self.add_children(ended.result().status)
        finally:
            ended.cancel()

    async def outcome(self) -> Outcome:
        """Wait until the run ends. Raises TemporalUnavailable if the server cannot be reached."""
        try:
            with translated_errors():
                return Outcome(await self._handle.result())
        except WorkflowFailureError as error:
            return await self._failed(error.cause)

    async def _failed(self, cause: BaseException) -> Outcome:
        if isinstance(cause, ApplicationError) and cause.details:
            status = PlanStatus.model_validate(cause.details[0])
            return Outcome(status, cause.type or "", cause.message)
        try:
            status = await query_status(self._handle, ENDED_TIMEOUT)
        except KudoError:
            status = PlanStatus(name=self.request.plan)
        if isinstance(cause, CancelledError):
            status.status = ExecutionStatus.CANCELLED
            return Outcome(status, "Cancelled", status.message or "The plan was cancelled.")
        # It was terminated or timed out, so the workflow could not write its final status.
        message = cause.message if isinstance(cause, FailureError) else str(cause)
        status.cut_off(ExecutionStatus.FATAL_ERROR, message)
        return Outcome(status, type(cause).__name__, message)


def _waits_for_slot(activity: PendingActivityInfo) -> bool:
    """Whether no worker has taken an activity for some seconds."""
    since = activity.scheduled_time.ToDatetime(UTC)
    scheduled = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return scheduled and datetime.now(UTC) - since > SLOT_WAIT


def find_ui(client: Client) -> str:
    """Return the address of the Web UI, from KUDO_TEMPORAL_UI or that of Temporal Cloud; empty if it is not known."""
    cloud = "https://cloud.temporal.io" if "tmprl.cloud" in client.service_client.config.target_host else ""
    return os.environ.get(UI, cloud).rstrip("/")


def address_of_run(ui: str, namespace: str, workflow_id: str, run_id: str) -> str:
    """Return the address of a run in the Web UI with the address `ui`; `namespace` is Temporal's."""
    return f"{ui}/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')}/{run_id}/history"


def address_of_runs(ui: str, namespace: str, query: str) -> str:
    """Return the address of a list of runs in the Web UI with the address `ui`; `namespace` is Temporal's."""
    return f"{ui}/namespaces/{namespace}/workflows?query={quote(query, safe='')}"


async def query_status(handle: WorkflowHandle[Any, Any], timeout: timedelta = QUERY_TIMEOUT) -> PlanStatus:
    """Query a workflow for its status. Raises TemporalUnavailable if no worker answers."""
    failure = ""
    for _ in range(QUERIES):
        try:
            status: PlanStatus = await handle.query("status", result_type=PlanStatus, rpc_timeout=timeout)
        except WorkflowQueryFailedError as error:
            # A workflow that is terminated while a worker executes it may leave that with commands that nobody knows.
            failure = brief(error)
        except (RPCError, FailureError, RuntimeError) as error:
            raise TemporalUnavailable(f"No worker answers for {handle.id} ({brief(error)})") from None
        else:
            return status
    raise TemporalUnavailable(f"The worker cannot answer for {handle.id} ({failure})")
