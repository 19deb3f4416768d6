"""Workflows of empty activities, as a baseline.

python -m benchmarks.bare

runs a worker for them, on the task queue `bare`.
"""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

TASK_QUEUE = "bare"
MINUTE = timedelta(minutes=1)


@activity.defn
async def nothing() -> str:
    return "done"


@workflow.defn
class Chain:
    """Activities one after the other."""

    @workflow.run
    async def run(self, length: int) -> None:
        for _ in range(length):
            await workflow.execute_activity(nothing, start_to_close_timeout=MINUTE)


@workflow.defn
class Parent:
    """An activity, a child with activities one after the other, and a last activity."""

    @workflow.run
    async def run(self, length: int) -> None:
        for _ in range(2):
            await workflow.execute_activity(nothing, start_to_close_timeout=MINUTE)
        await workflow.execute_child_workflow(Chain.run, length, id=f"{workflow.info().workflow_id}/child")
        await workflow.execute_activity(nothing, start_to_close_timeout=MINUTE)


async def main() -> None:
    # Imported here: workflows in Temporal's sandbox import this module, too.
    from kudo.client import connect

    worker = Worker(
        await connect(),
        task_queue=TASK_QUEUE,
        workflows=[Chain, Parent],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
