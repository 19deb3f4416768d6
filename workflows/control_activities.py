"""Activities that plans themselves need: they never wait behind tasks.

execute_eagerly     -> activity on the queue of the workflow, which its worker executes at once if it has a free slot
                    -> if that fails for now, or no worker has one: execute_control_activity
execute_local_first -> local activity, in the worker that executes the workflow: one event, no task in a queue
                    -> if that fails for now: execute_control_activity
execute_control_activity -> activity on the control queue, retried for ever
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from kudo.model.execution import TaskRequest
from kudo.model.task_kinds import TASK_KINDS
from kudo.workflows import options
from kudo.workflows.branches import raise_if_cancelled, shielded
from kudo.workflows.failures import is_cancelled_exception, root_cause

Execute = Callable[[str, object, str], Awaitable[Any]]
"""Runs an activity with an argument and a summary."""


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


async def execute_eagerly(activity: str, argument: object, summary: str, result_type: type | None = None) -> Any:
    """Like `execute_control_activity`, for an activity that mostly ends well at once: it saves a task in a queue."""
    try:
        return await workflow.execute_activity(
            activity, argument, result_type=result_type, summary=summary, **options.EAGER
        )
    except ActivityError as error:
        _raise_if_final(error)
    return await execute_control_activity(activity, argument, summary, result_type)


async def execute_local_first(
    activity: str, argument: object, summary: str, otherwise: Execute = execute_control_activity
) -> Any:
    """Like `execute_control_activity`, for an activity that mostly ends well within some milliseconds.

    While a local activity runs, the workflow receives no signal, so that it is bounded and not retried. If a query
    arrives meanwhile, the result is seen in the next workflow task, but in a replay in the one that started it: what
    continues after it must neither read the time, nor issue commands whose order depends on signals, nor cancel timers
    that it began with.
    """
    try:
        return await workflow.execute_local_activity(activity, argument, summary=summary, **options.LOCAL)
    # Without an ActivityError around it.
    except FailureError as error:
        _raise_if_final(error)
    return await otherwise(activity, argument, summary)


def _raise_if_final(error: FailureError) -> None:
    """Raise an error that another attempt would not change, or a cancel."""
    cause = root_cause(error)
    if is_cancelled_exception(error) or (isinstance(cause, ApplicationError) and cause.non_retryable):
        raise error
    raise_if_cancelled()


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
