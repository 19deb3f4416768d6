"""Start, find and cancel plans."""

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
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from kudo.client.connection import TASK_QUEUE
from kudo.client.history import PastRun, plan_history
from kudo.client.origin import Origin, read_origin
from kudo.client.rpc import translated_errors
from kudo.client.run import Run
from kudo.errors import ConfigurationError, PlanAlreadyRunning, PlanNotRunning, RequestError, TemporalUnavailable
from kudo.model.execution import Approval, PlanRequest, workflow_id
from kudo.model.status import PlanStatus

WORKFLOW_TYPE = "Plan"

UPDATE_TIMEOUT = timedelta(seconds=10)
"""How long a worker may take to answer for a plan."""


class Plans:
    """The plans of all Instances, as a Temporal client sees them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, request: PlanRequest) -> Run:
        """Start a plan. Raises PlanAlreadyRunning, or TemporalUnavailable."""
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
                )
        except WorkflowAlreadyStartedError:
            raise await self.refusal(request) from None
        return Run(self._client, handle, Origin(request, datetime.now(UTC), ""))

    async def require_namespace(self) -> None:
        """Raise ConfigurationError where Temporal does not have the namespace, TemporalUnavailable where it is away."""
        name = self._client.namespace
        missing = ConfigurationError(f"Temporal has no namespace {name}. Set TEMPORAL_NAMESPACE to one that it has.")
        with translated_errors(namespace_not_found=missing):
            await self._client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=name))

    async def require_idle(self, namespace: str, instance: str) -> None:
        """Raise PlanAlreadyRunning where a plan of the Instance runs."""
        run = await self.running(namespace, instance)
        if run is not None:
            raise _already_running(run.request, run)

    async def refusal(self, request: PlanRequest) -> PlanAlreadyRunning:
        """Why a plan cannot be started now. Raises TemporalUnavailable."""
        return _already_running(request, await self.running(request.namespace, request.instance))

    async def running(self, namespace: str, instance: str) -> Run | None:
        """The run of a plan that has not ended; None where there is none. Raises TemporalUnavailable."""
        try:
            run, status = await self._describe(namespace, instance)
        except PlanNotRunning:
            return None
        return run if status is WorkflowExecutionStatus.RUNNING else None

    async def latest(self, namespace: str, instance: str) -> Run:
        """The run that goes on, or the last that ended.

        Raises PlanNotRunning where Temporal knows of none, TemporalUnavailable.
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
        """The last runs of an Instance's plans, the newest first. Raises TemporalUnavailable."""
        return await plan_history(self._client, namespace, instance, limit)

    async def cancel(self, namespace: str, instance: str, reason: str) -> Run:
        """Ask the running plan of an Instance to stop. Raises PlanNotRunning, or TemporalUnavailable."""
        run, handle = await self._require_running(namespace, instance)
        with translated_errors(not_found=_not_running(namespace, instance)):
            # Not by the signal: a server that takes no more signals for a workflow still cancels it.
            await handle.cancel(reason=reason)
        return run

    async def origin(self, namespace: str, instance: str, run_id: str) -> Origin | None:
        """How a run was started; None where Temporal has forgotten it. Raises TemporalUnavailable."""
        handle = self._client.get_workflow_handle(workflow_id(namespace, instance), run_id=run_id)
        try:
            with translated_errors(not_found=_not_running(namespace, instance)):
                return await read_origin(self._client, handle, namespace, instance)
        except PlanNotRunning:
            return None

    async def pause(self, namespace: str, instance: str, reason: str) -> Run:
        """Have the running plan of an Instance start no further step. Raises PlanNotRunning, or TemporalUnavailable."""
        return await self._signal(namespace, instance, "pause", reason)

    async def unpause(self, namespace: str, instance: str, reason: str) -> Run:
        """Have a paused plan of an Instance go on. Raises PlanNotRunning, or TemporalUnavailable."""
        return await self._signal(namespace, instance, "resume", reason)

    async def decide(self, namespace: str, instance: str, approval: Approval, *, approved: bool) -> Run:
        """Approve or refuse a step of the running plan.

        Raises PlanNotRunning, RequestError where no such step waits for approval, or TemporalUnavailable.
        """
        run, handle = await self._require_running(namespace, instance)
        with translated_errors(not_found=_not_running(namespace, instance)):
            try:
                update = "approve" if approved else "refuse"
                await handle.execute_update(update, approval, rpc_timeout=UPDATE_TIMEOUT)
            except WorkflowUpdateFailedError as error:
                reason = error.cause.message if isinstance(error.cause, FailureError) else str(error.cause)
                raise RequestError(reason) from None
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                raise TemporalUnavailable(f"No worker answers for {run.workflow_id}") from None
        return run

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


def _details(request: PlanRequest) -> str:
    """What was asked for, as Markdown for the Web UI; values of parameters may be secret, and are left out."""
    lines = [f"Instance `{request.instance}` in namespace `{request.namespace}`"]
    if request.parameters:
        lines.append("Parameters for this run: " + ", ".join(f"`{name}`" for name in sorted(request.parameters)))
    if request.resume:
        lines.append("Without the steps that are COMPLETE")
    if request.start_from:
        lines.append(f"From `{request.start_from}` on")
    return "\n".join(f"- {line}" for line in lines)


def _already_running(request: PlanRequest, run: Run | None) -> PlanAlreadyRunning:
    """The refusal of a request; the run that is in its way may have ended since."""
    what = f"The plan {run.request.plan}" if run else "A plan"
    since = f" since {run.origin.time:%Y-%m-%d %H:%M:%S} UTC" if run else ""
    instance = request.instance
    return PlanAlreadyRunning(
        f"{what} of the instance {instance} in the namespace {request.namespace} is running{since}, and an instance "
        f"runs one plan at a time. Wait for it with `kudo plan wait --instance {instance}`, or stop it with "
        f"`kudo plan cancel --instance {instance}`."
    )


def _not_running(namespace: str, instance: str) -> PlanNotRunning:
    return PlanNotRunning(f"No plan of the instance {instance} in the namespace {namespace} is running.")
