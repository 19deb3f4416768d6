"""What a plan reports about itself to its Instance."""

from datetime import datetime
from typing import Annotated, Literal

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.execution import PlanRequest
from kudo.model.status import PlanStatus


class PlanEvent(Model):
    """An event about a plan, with KUDO's name for it."""

    type: Literal["Normal", "Warning"]
    reason: Name
    message: Name
    at: Annotated[datetime | None, OMIT_EMPTY] = None
    """When it happened, of events that may happen several times in a run."""


class StatusReport(Model):
    """What `report_status` writes: a status, or events, or both."""

    request: PlanRequest
    uid: Text = ""
    status: PlanStatus | None = None
    keep: Annotated[bool, OMIT_EMPTY] = False
    """Leave a status that was recorded before: this run never began."""
    events: list[PlanEvent] = []
