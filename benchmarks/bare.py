"""A workflow of empty activities, as a baseline; in a module of its own, because workers import it in a sandbox."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def nothing() -> str:
    return "done"


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, length: int) -> None:
        for _ in range(length):
            await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(minutes=1))
