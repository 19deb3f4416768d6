"""Start, find and cancel plans."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import Priority
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from kudo.client.connection import TASK_QUEUE
from kudo.client.history import PastRun, plan_history
from kudo.client.origin import Origin, read_origin
from kudo.client.rpc import translated_errors
from kudo.client.run import Run, address_of_runs, find_ui
from kudo.errors import ConfigurationError, PlanAlreadyRunning, PlanNotRunning, RequestError, TemporalUnavailable
from kudo.model import search_attributes
from kudo.model.execution import Approval, PlanRequest, workflow_id
from kudo.model.status import PlanStatus

WORKFLOW_TYPE = "Plan"

FAIRNESS_KEY = 64
"""Bytes that a fairness key may have; a workflow ID may be longer."""

FRESH = timedelta(seconds=5)
"""How long a plan may run before a step that does not wait for approval is an error at once."""

FRESH_PAUSE = 0.3
"""Seconds between two attempts to decide on a step of a plan that has just started."""

UPDATE_TIMEOUT = timedelta(seconds=10)
"""How long a worker may take to respond to an update."""


class Plans:
    """Starts, finds and controls the plans of Instances through a Temporal client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, request: PlanRequest) -> Run:
        """Start a plan. Raises PlanAlreadyRunning or TemporalUnavailable."""
        try:
            with translated_errors():
                handle = await self._client.start_workflow(
                    WORKFLOW_TYPE,
                    request,
                    id=request.workflow_id,
                    task_queue=TASK_QUEUE,
                    result_type=PlanStatus,
                    static_summary=f"Plan {request.plan} of {request.instance}",
                    static_details=_details(request),
                    priority=_fair_share(request),
                )
        except WorkflowAlreadyStartedError:
            raise await self.refusal(request) from None
        return Run(self._client, handle, Origin(request, datetime.now(UTC), ""))

    async def require_namespace(self) -> None:
        """Raise ConfigurationError if the Temporal namespace does not exist, or TemporalUnavailable."""
        name = self._client.namespace
        missing = ConfigurationError(f"Temporal has no namespace {name}. Set TEMPORAL_NAMESPACE to an existing one.")
        with translated_errors(namespace_not_found=missing):
            await self._client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=name))

    async def require_idle(self, namespace: str, instance: str) -> None:
        """Raise PlanAlreadyRunning if a plan of the Instance runs, or TemporalUnavailable."""
        run = await self.running(namespace, instance)
        if run is not None:
            raise _already_running(run.request, run)

    async def refusal(self, request: PlanRequest) -> PlanAlreadyRunning:
        """Return the error for a plan that cannot start because another one runs. Raises TemporalUnavailable."""
        return _already_running(request, await self.running(request.namespace, request.instance))

    async def running(self, namespace: str, instance: str) -> Run | None:
        """Return the run that has not ended; None if there is none. Raises TemporalUnavailable."""
        try:
            run, status = await self._describe(namespace, instance)
        except PlanNotRunning:
            return None
        return run if status is WorkflowExecutionStatus.RUNNING else None

    async def latest(self, namespace: str, instance: str) -> Run:
        """Return the run that has not ended, or else the last one.

        Raises PlanNotRunning if Temporal has none, or TemporalUnavailable.
        """
        run, _ = await self._describe(namespace, instance)
        return run

    async def _describe(self, namespace: str, instance: str) -> tuple[Run, WorkflowExecutionStatus | None]:
        handle = self._client.get_workflow_handle(workflow_id(namespace, instance), result_type=PlanStatus)
        with translated_errors(not_found=_not_running(namespace, instance)):
            description = await handle.describe()
            pinned = self._client.get_workflow_handle(handle.id, run_id=description.run_id, result_type=PlanStatus)
            origin = await read_origin(self._client, pinned, namespace, instance)
        return Run(self._client, pinned, origin), description.status

    async def history(self, namespace: str, instance: str, limit: int) -> list[PastRun]:
        """Return the last runs of an Instance's plans, newest first. Raises TemporalUnavailable."""
        return await plan_history(self._client, namespace, instance, limit)

    def link(self, namespace: str, instance: str) -> str:
        """Return the address of the runs of an Instance in Temporal's Web UI, if it is known (see `Run.link`)."""
        attributes = {search_attributes.NAMESPACE: namespace, search_attributes.INSTANCE: instance}
        terms = [f"{name} = '{value}'" for name, value in attributes.items()]
        query = " AND ".join([f"WorkflowType = '{WORKFLOW_TYPE}'", *terms])
        ui = find_ui(self._client)
        return address_of_runs(ui, self._client.namespace, query) if ui else ""

    async def cancel(self, namespace: str, instance: str, reason: str) -> Run:
        """Cancel the running plan of an Instance. Raises PlanNotRunning or TemporalUnavailable."""
        run, handle = await self._require_running(namespace, instance)
        with translated_errors(not_found=_not_running(namespace, instance)):
            # Not by the signal: a server that accepts no more signals for a workflow still cancels it.
            await handle.cancel(reason=reason)
        return run

    async def origin(self, namespace: str, instance: str, run_id: str) -> Origin | None:
        """Return the start of a run; None if Temporal no longer has the run. Raises TemporalUnavailable."""
        handle = self._client.get_workflow_handle(workflow_id(namespace, instance), run_id=run_id)
        try:
            with translated_errors(not_found=_not_running(namespace, instance)):
                return await read_origin(self._client, handle, namespace, instance)
        except PlanNotRunning:
            return None

    async def pause(self, namespace: str, instance: str, reason: str) -> Run:
        """Pause the running plan of an Instance. Raises PlanNotRunning or TemporalUnavailable."""
        return await self._signal(namespace, instance, "pause", reason)

    async def unpause(self, namespace: str, instance: str, reason: str) -> Run:
        """Resume the paused plan of an Instance. Raises PlanNotRunning or TemporalUnavailable."""
        return await self._signal(namespace, instance, "resume", reason)

    async def decide(self, namespace: str, instance: str, approval: Approval, *, approved: bool) -> Run:
        """Approve or refuse a step of the running plan; one that has just started has some seconds to reach a step.

        Raises PlanNotRunning, RequestError if no such step waits for approval, or TemporalUnavailable.
        """
        run, handle = await self._require_running(namespace, instance)
        while True:
            try:
                await self._update(namespace, instance, handle, "approve" if approved else "refuse", approval)
            except RequestError:
                if datetime.now(UTC) - run.origin.time > FRESH:
                    raise
                await asyncio.sleep(FRESH_PAUSE)
            else:
                return run

    async def _update(
        self, namespace: str, instance: str, handle: WorkflowHandle[Any, Any], update: str, approval: Approval
    ) -> None:
        with translated_errors(not_found=_not_running(namespace, instance)):
            try:
                await handle.execute_update(update, approval, rpc_timeout=UPDATE_TIMEOUT)
            except WorkflowUpdateFailedError as error:
                reason = error.cause.message if isinstance(error.cause, FailureError) else str(error.cause)
                raise RequestError(reason) from None
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                raise TemporalUnavailable(f"No worker answers for {handle.id}") from None

    async def _signal(self, namespace: str, instance: str, signal: str, reason: str) -> Run:
        run, handle = await self._require_running(namespace, instance)
        with translated_errors(not_found=_not_running(namespace, instance)):
            await handle.signal(signal, reason)
        return run

    async def _require_running(self, namespace: str, instance: str) -> tuple[Run, WorkflowHandle[Any, Any]]:
        run = await self.running(namespace, instance)
        if run is None:
            raise _not_running(namespace, instance)
        return run, self._client.get_workflow_handle(run.workflow_id, run_id=run.run_id)


def _fair_share(request: PlanRequest) -> Priority:
    """Return the share of a plan in the task queues, which its phases, tasks and children have as well.

    Instances share a queue equally, if the server has fairness, however many tasks each has in it.
    """
    key = request.workflow_id
    is_short = len(key.encode()) <= FAIRNESS_KEY
    return Priority(fairness_key=key if is_short else hashlib.sha256(key.encode()).hexdigest()[:FAIRNESS_KEY])


def _details(request: PlanRequest) -> str:
    """Return the request as Markdown for the Web UI, without values of parameters, which may be secret."""
    lines = [f"Instance `{request.instance}` in namespace `{request.namespace}`"]
    if request.parameters:
        lines.append("Parameters for this run: " + ", ".join(f"`{name}`" for name in sorted(request.parameters)))
    if request.resume:
        lines.append("Without the steps that are COMPLETE")
    if request.start_from:
        lines.append(f"From `{request.start_from}` on")
    return "\n".join(f"- {line}" for line in lines)


def _already_running(request: PlanRequest, run: Run | None) -> PlanAlreadyRunning:
    """Return the error for a request; `run`, the reason for it, is None if it has ended meanwhile."""
    subject = f"The plan {run.request.plan}" if run else "A plan"
    since = f" since {run.origin.time:%Y-%m-%d %H:%M:%S} UTC" if run else ""
    return PlanAlreadyRunning(
        f"{subject} of the instance {request.instance} in the namespace {request.namespace} is running{since}, and an "
        f"instance runs one plan at a time. Wait for it with `kudo plan wait {request.options}`, or cancel it with "
        f"`kudo plan cancel {request.options}`."
    )


def _not_running(namespace: str, instance: str) -> PlanNotRunning:
    return PlanNotRunning(f"No plan of the instance {instance} in the namespace {namespace} is running.")
