"""The start of a run: its request, its time, and who started it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle

from kudo.model.execution import PlanRequest


@dataclass(frozen=True, slots=True)
class Origin:
    """The start of a run."""

    request: PlanRequest
    time: datetime
    by: str
    """The identity of the Temporal client that started it, or the parent workflow."""


async def read_origin(client: Client, handle: WorkflowHandle[Any, Any], namespace: str, instance: str) -> Origin:
    """Read the start of a run from its history; a malformed request has the plan `(unknown)`. Raises RPCError."""
    event = await anext(handle.fetch_history_events(page_size=1))
    started = event.workflow_execution_started_event_attributes
    parent = started.parent_workflow_execution.workflow_id
    return Origin(
        request=await _request(client, event) or PlanRequest(namespace=namespace, instance=instance, plan="(unknown)"),
        time=event.event_time.ToDatetime(UTC),
        by=f"workflow {parent}" if parent else started.identity,
    )


async def _request(client: Client, event: HistoryEvent) -> PlanRequest | None:
    payloads = event.workflow_execution_started_event_attributes.input.payloads
    try:
        (request,) = await client.data_converter.decode(payloads, [PlanRequest])
    except (ValidationError, ValueError, RuntimeError):
        return None
    return request if isinstance(request, PlanRequest) else None
