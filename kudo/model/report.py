"""The reports of a running plan to its Instance: status and events."""

from datetime import datetime
from typing import Annotated, Literal

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.execution import PlanRequest
from kudo.model.status import PlanStatus


class PlanEvent(Model):
    """A Kubernetes event about a plan, with KUDO's reasons."""

    type: Literal["Normal", "Warning"]
    reason: Name
    message: Name
    at: Annotated[datetime | None, OMIT_EMPTY] = None
    """Time of the event; set only for events that may occur several times in a run."""


class StatusReport(Model):
    """The input of the activity `report_status`: a status, or events, or both."""

    request: PlanRequest
    uid: Text = ""
    instance_uid: Text = ""
    """The uid of the Instance that the run was loaded from; another one of the same name gets no status of it."""
    status: PlanStatus | None = None
    keep: Annotated[bool, OMIT_EMPTY] = False
    """Whether to keep a status that was recorded before, because this run never began."""
    events: list[PlanEvent] = []
