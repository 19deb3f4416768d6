"""Child workflows by their handles: plans that are started as children, and what children are told."""

from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError
from temporalio.workflow import ChildWorkflowHandle

from workflows.branches import uninterrupted

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import PlanRequest
    from kudo.model.status import PlanStatus

W = TypeVar("W")
R = TypeVar("R")

PlanHandle = ChildWorkflowHandle[object, PlanStatus]


async def start_plan(request: PlanRequest) -> PlanHandle:
    """Start a plan as a child. Raises WorkflowAlreadyStartedError where another plan of the Instance runs."""
    starting = workflow.start_child_workflow(
        "Plan",
        request,
        id=request.workflow_id,
        static_summary=f"Plan {request.plan} of {request.instance}",
        result_type=PlanStatus,
    )
    # In a task of its own: where the SDK waits in ours, it takes back that we were cancelled.
    return await uninterrupted(starting)


async def tell(child: ChildWorkflowHandle[W, R], signal: str, argument: object) -> None:
    """Signal a child; one that has ended meanwhile needs it no more."""
    try:
        await child.signal(signal, argument)
    except FailureError as error:
        workflow.logger.warning("%s could not be told: %s", child.id, error.message)
