"""The past runs of an Instance's plans, as far as Temporal retains them."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from kudo.client.origin import read_origin
from kudo.client.rpc import translated_errors
from kudo.client.run import Run
from kudo.model import search_attributes
from kudo.model.execution import PlanRequest, workflow_id
from kudo.model.status import PlanStatus

_STATUS = SearchAttributeKey.for_keyword(search_attributes.STATUS)


_CUT_OFF = (
    WorkflowExecutionStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT,
)
"""How runs end that have no failed step."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """The summary of one run."""

    request: PlanRequest
    run_id: str
    start_time: datetime
    completion_time: datetime | None
    started_by: str
    status: str
    """The status in KUDO's names."""
    failing: str = ""
    """The steps that failed, the message of a plan that failed without one, or who cancelled it and why."""


async def plan_history(client: Client, namespace: str, instance: str, limit: int) -> list[PastRun]:
    """Return the last runs of all plans of an Instance, newest first. Raises TemporalUnavailable."""
    query = f"WorkflowId = '{workflow_id(namespace, instance)}'"
    with translated_errors():
        listed = [item async for item in client.list_workflows(query, limit=limit)]
        runs = await asyncio.gather(*(_past_run(client, item, namespace, instance) for item in listed))
    return sorted(runs, key=lambda run: run.start_time, reverse=True)


async def _past_run(client: Client, item: WorkflowExecution, namespace: str, instance: str) -> PastRun:
    handle = client.get_workflow_handle(item.id, run_id=item.run_id, result_type=PlanStatus)
    origin = await read_origin(client, handle, namespace, instance)
    failing = ""
    if item.status is WorkflowExecutionStatus.FAILED or item.status in _CUT_OFF:
        outcome = await Run(client, handle, origin).outcome()
        failed = outcome.status.failed_steps() if item.status is WorkflowExecutionStatus.FAILED else ()
        failing = ", ".join(f"{phase.name}.{step.name}" for phase, step in failed) or outcome.message
    return PastRun(
        request=origin.request,
        run_id=item.run_id,
        start_time=origin.time,
        completion_time=item.close_time,
        started_by=origin.by,
        status=_status(item),
        failing=failing,
    )


def _status(item: WorkflowExecution) -> str:
    """Return KUDO's status of a run, or Temporal's if KUDO has none for it."""
    ended = {
        WorkflowExecutionStatus.COMPLETED: "COMPLETE",
        WorkflowExecutionStatus.FAILED: "FATAL_ERROR",
        WorkflowExecutionStatus.CANCELED: "CANCELLED",
        # As `kudo plan status` and the Instance have it; the detail says what happened.
        WorkflowExecutionStatus.TERMINATED: "FATAL_ERROR",
        WorkflowExecutionStatus.TIMED_OUT: "FATAL_ERROR",
    }
    if item.status is WorkflowExecutionStatus.RUNNING or item.status is None:
        return item.typed_search_attributes.get(_STATUS) or "PENDING"
    return ended.get(item.status, item.status.name)
