"""The task Dummy: for tests, and for plans that must not run."""

import asyncio

from temporalio import activity

from activities.attempt import attempting_task
from activities.context import ActivityContext
from kudo.errors import DummyTaskError, DummyTaskFailed, TaskBuildError
from kudo.model.execution import TaskRequest
from kudo.model.tasks import DummyTask


class DummyActivities:
    """An activity that does what it is told: fail, be done, or never be done."""

    def __init__(self, context: ActivityContext) -> None:
        self._grace = context.grace

    @activity.defn
    async def dummy(self, request: TaskRequest) -> str:
        """Fail, be done, or wait for ever (KUDO's `engine/task/task_dummy.go`)."""
        async with attempting_task(request, self._grace) as attempt:
            task = request.task
            if not isinstance(task, DummyTask):
                raise TaskBuildError(f"{task.name} is no Dummy task")
            if task.spec.want_err and task.spec.fatal:
                raise DummyTaskError(f"The task {task.name} is asked to fail for good.")
            if task.spec.want_err:
                raise DummyTaskFailed(f"The task {task.name} is asked to fail.")
            if not task.spec.done:
                attempt.doing(f"the task {task.name} is asked never to be done")
                await asyncio.Event().wait()
            return "done"
