"""Activities that plans themselves need, on a queue of their own."""

from typing import Any

from temporalio import workflow

from workflows import options


async def control(activity: str, argument: object, summary: str, result_type: type | None = None) -> Any:
    """Run an activity that reads, reports on or cancels a plan. Raises ActivityError."""
    return await workflow.execute_activity(
        activity,
        argument,
        result_type=result_type,
        summary=summary,
        task_queue=options.control_queue(workflow.info().task_queue),
        **options.SHORT,
    )
