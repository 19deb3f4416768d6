"""Activities that plans themselves need, on a task queue of their own: they never wait behind tasks."""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from kudo.model.execution import TaskRequest
from kudo.model.task_kinds import TASK_KINDS
from kudo.workflows import options
from kudo.workflows.branches import shielded


async def execute_control_activity(
    activity: str, argument: object, summary: str, result_type: type | None = None
) -> Any:
    """Run an activity that reads, reports on or cancels a plan. Raises ActivityError."""
    return await workflow.execute_activity(
        activity,
        argument,
        result_type=result_type,
        summary=summary,
        task_queue=options.control_queue(workflow.info().task_queue),
        **options.SHORT,
    )


async def remove_pipe_pod(request: TaskRequest) -> None:
    """Delete the pod of a task of a kind that has one, however the task ended.

    If no worker does so in time, the next run of the plan deletes it, or the deletion of the Instance.
    """
    if TASK_KINDS[request.task.kind].has_pipe_pod:
        await shielded(_remove_pipe_pod(request))


async def _remove_pipe_pod(request: TaskRequest) -> None:
    without_content = request.model_copy(update={"templates": {}, "params": {}})
    summary = f"Remove the pod of {request.task.name}"
    removing = execute_control_activity("remove_pipe_pod", without_content, summary)
    try:
        await asyncio.wait_for(removing, options.CANCEL_BOUND.total_seconds())
    except (TimeoutError, FailureError) as error:
        workflow.logger.warning("Could not remove the pod of the task %s: %s", request.task.name, error)
