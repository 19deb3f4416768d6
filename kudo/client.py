"""Start, follow and cancel plans: the one place that speaks to Temporal's client.

Workflows are named by their type, so that nothing of them is imported: anything that can start a Temporal workflow can
do the same.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, CancelledError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from kudo.errors import ConfigurationError, KudoError, PlanAlreadyRunning, PlanNotRunning, TemporalUnavailable
from kudo.model.execution import PlanRequest, workflow_id
from kudo.model.status import ExecutionStatus, PlanStatus

TASK_QUEUE = "kudo"
WORKFLOW_TYPE = "Plan"

QUERY_TIMEOUT = timedelta(seconds=3)
"""How long a worker may take to answer for a plan; without a worker nobody answers."""

POLL = 0.3
"""Seconds between two looks at a plan that is followed."""

CONNECT_TIMEOUT = 10.0
"""Seconds to try to connect."""


async def connect() -> Client:
    """Connect to Temporal by the variables and profiles that the `temporal` command line uses.

    Raises ConfigurationError for a malformed profile, TemporalUnavailable where nobody answers.
    """
    try:
        settings = ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, KeyError, TypeError, OSError) as error:
        raise ConfigurationError(f"The configuration of Temporal cannot be used: {error}") from None
    address = settings.setdefault("target_host", "localhost:7233")
    try:
        return await asyncio.wait_for(
            Client.connect(**settings, data_converter=pydantic_data_converter), CONNECT_TIMEOUT
        )
    except (RuntimeError, RPCError, TimeoutError, ValueError, OSError) as error:
        raise TemporalUnavailable(
            f"Temporal at {address} cannot be reached ({_brief(error)}). "
            "Start it, with `kudo dev` for one of your own, or set TEMPORAL_ADDRESS to where it is."
        ) from None


async def has_worker(client: Client, host: str) -> bool:
    """Whether a worker on this host asked for work in the last minutes. Raises TemporalUnavailable."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        answer = await client.workflow_service.describe_task_queue(request)
    except RPCError as error:
        raise TemporalUnavailable(f"Temporal does not answer: {error.message}") from None
    return any(poller.identity.endswith(f"@{host}") for poller in answer.pollers)


def _brief(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {CONNECT_TIMEOUT:g} s"
    words = str(error)
    return "connection refused" if "refused" in words else words.splitlines()[0][:200]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of a plan ended."""

    status: PlanStatus
    failure: str = ""
    """The name of the event that ended it, empty where it is COMPLETE."""
    message: str = ""

    @property
    def complete(self) -> bool:
        return self.status.status is ExecutionStatus.COMPLETE


class Run:
    """One run of a plan."""

    def __init__(self, client: Client, handle: WorkflowHandle[Any, PlanStatus], request: PlanRequest) -> None:
        self._client = client
        self._handle = handle
        self.request = request

    @property
    def workflow_id(self) -> str:
        return self._handle.id

    @property
    def run_id(self) -> str:
        return self._handle.result_run_id or self._handle.run_id or ""

    async def status(self) -> PlanStatus:
        """The status as the workflow knows it. Raises TemporalUnavailable where no worker answers for it."""
        return await _status(self._handle)

    async def explained(self) -> PlanStatus:
        """The status, with what the running steps wait for as their messages. Raises TemporalUnavailable."""
        status = await self.status()
        for phase in status.phases:
            waiting = await self._waiting(phase.name) if phase.status.running else {}
            for step in phase.steps:
                if step.status is ExecutionStatus.IN_PROGRESS:
                    step.message = "\n".join(waiting.get(step.name, []))
        return status

    async def _waiting(self, phase: str) -> dict[str, list[str]]:
        """What the heartbeats of a phase's tasks say, by step."""
        found: dict[str, list[str]] = {}
        with suppress(RPCError):
            child = await self._client.get_workflow_handle(f"{self.workflow_id}/{phase}").describe()
            for activity in child.raw_description.pending_activities:
                beats = await self._client.data_converter.decode(activity.heartbeat_details.payloads)
                step = activity.activity_id.removeprefix(f"{phase}.").rpartition(".")[0]
                found.setdefault(step, []).extend(beat["waiting"] for beat in beats if beat.get("waiting"))
        return found

    async def current(self) -> PlanStatus:
        """How far the run is, or how it ended. Raises TemporalUnavailable where nobody can say."""
        description = await self._handle.describe()
        if description.status is WorkflowExecutionStatus.RUNNING:
            return await self.explained()
        return (await self.outcome()).status

    async def follow(self) -> AsyncGenerator[PlanStatus, None]:
        """The status whenever it changed, until the run has ended. Raises TemporalUnavailable when Temporal is away."""
        ended = asyncio.create_task(self.outcome())
        shown = ""
        try:
            while not ended.done():
                try:
                    status = await self.explained()
                except TemporalUnavailable:
                    # No worker answers at the moment; the plan is safe, and goes on when one is back.
                    pass
                else:
                    if (seen := status.model_dump_json()) != shown:
                        shown = seen
                        yield status
                await asyncio.wait([ended], timeout=POLL)
            yield ended.result().status
        finally:
            ended.cancel()

    async def outcome(self) -> Outcome:
        """Wait for the end of the run. Raises TemporalUnavailable when Temporal is away."""
        try:
            return Outcome(await self._handle.result())
        except WorkflowFailureError as error:
            return await self._failed(error.cause)
        except RPCError as error:
            raise TemporalUnavailable(f"Temporal does not answer: {error.message}") from None

    async def _failed(self, cause: BaseException) -> Outcome:
        if isinstance(cause, ApplicationError) and cause.details:
            status = PlanStatus.model_validate(cause.details[0])
            return Outcome(status, cause.type or "", cause.message)
        try:
            status = await self.status()
        except KudoError:
            status = PlanStatus(name=self.request.plan)
        if isinstance(cause, CancelledError):
            status.status = ExecutionStatus.CANCELLED
            return Outcome(status, "Cancelled", status.message or "The plan was cancelled.")
        # It was terminated, or ran out of time: nobody was there any more to write its status.
        message = cause.message if isinstance(cause, FailureError) else str(cause)
        status.cut_off(ExecutionStatus.FATAL_ERROR, message)
        return Outcome(status, type(cause).__name__, message)


async def _status(handle: WorkflowHandle[Any, Any]) -> PlanStatus:
    try:
        status: PlanStatus = await handle.query("status", result_type=PlanStatus, rpc_timeout=QUERY_TIMEOUT)
    except (RPCError, FailureError, RuntimeError) as error:
        raise TemporalUnavailable(f"No worker answers for {handle.id} ({_brief(error)})") from None
    return status


class Plans:
    """The plans of all Instances, as a Temporal client sees them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, request: PlanRequest) -> Run:
        """Start a plan. Raises PlanAlreadyRunning, or TemporalUnavailable."""
        try:
            handle = await self._client.start_workflow(
                WORKFLOW_TYPE,
                request,
                id=request.workflow_id,
                task_queue=TASK_QUEUE,
                result_type=PlanStatus,
                memo={"plan": request.plan},
                static_summary=f"Plan {request.plan} of {request.instance}",
            )
        except WorkflowAlreadyStartedError:
            raise await self._already_running(request.namespace, request.instance) from None
        except RPCError as error:
            raise TemporalUnavailable(f"Temporal did not start the plan: {error.message}") from None
        return Run(self._client, handle, request)

    async def require_namespace(self) -> None:
        """Raise ConfigurationError where Temporal does not have the namespace, TemporalUnavailable where it is away."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        try:
            await self._client.workflow_service.describe_namespace(request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise ConfigurationError(
                    f"Temporal has no namespace {self._client.namespace}. Set TEMPORAL_NAMESPACE to one that it has."
                ) from None
            raise TemporalUnavailable(f"Temporal does not answer: {error.message}") from None

    async def require_idle(self, namespace: str, instance: str) -> None:
        """Raise PlanAlreadyRunning where a plan of the Instance runs."""
        if await self.running(namespace, instance) is not None:
            raise await self._already_running(namespace, instance)

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
        with _answering(namespace, instance):
            description = await handle.describe()
        pinned = self._client.get_workflow_handle(handle.id, run_id=description.run_id, result_type=PlanStatus)
        # Other than we, what starts plans may leave no note of which it was.
        plan = str((await description.memo()).get("plan") or await _plan_name(pinned))
        request = PlanRequest(namespace=namespace, instance=instance, plan=plan)
        return Run(self._client, pinned, request), description.status

    async def cancel(self, namespace: str, instance: str, reason: str) -> Run:
        """Ask the running plan of an Instance to stop. Raises PlanNotRunning, or TemporalUnavailable."""
        run = await self.running(namespace, instance)
        if run is None:
            raise _not_running(namespace, instance)
        handle = self._client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
        with _answering(namespace, instance):
            await handle.signal("cancel", reason)
        return run

    async def _already_running(self, namespace: str, instance: str) -> KudoError:
        run = await self.running(namespace, instance)
        what = f"The plan {run.request.plan}" if run else "A plan"
        return PlanAlreadyRunning(
            f"{what} of the instance {instance} in the namespace {namespace} is running, and an instance runs one plan "
            f"at a time. Wait for it with `kudo plan wait --instance {instance}`, or stop it with `kudo plan cancel "
            f"--instance {instance}`."
        )


@contextmanager
def _answering(namespace: str, instance: str) -> Iterator[None]:
    """Say what it means when Temporal does not do what it is asked."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and "amespace" not in error.message:
            raise _not_running(namespace, instance) from None
        raise TemporalUnavailable(f"Temporal does not do it: {error.message}") from None


def _not_running(namespace: str, instance: str) -> PlanNotRunning:
    return PlanNotRunning(f"No plan of the instance {instance} in the namespace {namespace} is running.")


async def _plan_name(handle: WorkflowHandle[Any, Any]) -> str:
    try:
        return (await _status(handle)).name
    except TemporalUnavailable:
        return "(unknown)"
