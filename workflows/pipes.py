"""The pods of Pipe tasks, which go when their tasks have ended."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import options
from workflows.branches import uninterrupted
from workflows.control import control

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import TaskRequest


async def remove_pod(request: TaskRequest) -> None:
    """Delete the pod of a Pipe task, however that ended; of other tasks nothing.

    Where nobody can do so in time, the next run of the plan does, or the end of the Instance.
    """
    if request.task.kind == "Pipe":
        await uninterrupted(_remove_pod(request))


async def _remove_pod(request: TaskRequest) -> None:
    bare = request.model_copy(update={"templates": {}, "params": {}})
    removing = control("remove_pipe_pod", bare, f"Remove the pod of {request.task.name}")
    try:
        await asyncio.wait_for(removing, options.CANCEL_BOUND.total_seconds())
    except (TimeoutError, FailureError) as error:
        workflow.logger.warning("The pod of the task %s was not removed: %s", request.task.name, error)
