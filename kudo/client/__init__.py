"""The public Python API: start, follow and control plans through Temporal.

    client = await connect()
    run = await Plans(client).start(PlanRequest(namespace="default", instance="store", plan="backup"))
    outcome = await run.outcome()

Workflows are addressed by their type names, and not imported. Any program that can start a Temporal workflow can do
the same without this package.
"""

from kudo.client.connection import TASK_QUEUE, connect, has_worker
from kudo.client.history import PastRun
from kudo.client.origin import Origin
from kudo.client.plans import Plans
from kudo.client.run import Outcome, Run
from kudo.client.search_attributes import require_search_attributes
from kudo.errors import (
    ConfigurationError,
    FatalError,
    KudoError,
    PlanAlreadyRunning,
    PlanNotRunning,
    RequestError,
    TemporalUnavailable,
    TransientError,
)
from kudo.model.execution import Approval, PlanRequest
from kudo.model.status import ChildPlan, ExecutionStatus, PhaseStatus, PlanStatus, StepStatus

__all__ = [
    "TASK_QUEUE",
    "Approval",
    "ChildPlan",
    "ConfigurationError",
    "ExecutionStatus",
    "FatalError",
    "KudoError",
    "Origin",
    "Outcome",
    "PastRun",
    "PhaseStatus",
    "PlanAlreadyRunning",
    "PlanNotRunning",
    "PlanRequest",
    "PlanStatus",
    "Plans",
    "RequestError",
    "Run",
    "StepStatus",
    "TemporalUnavailable",
    "TransientError",
    "connect",
    "has_worker",
    "require_search_attributes",
]
