"""The task Dummy, for tests and for plans that must not run."""

import asyncio

from temporalio import activity

from kudo.activities.attempt import attempting_task
from kudo.activities.context import ActivityContext
from kudo.errors import DummyTaskError, DummyTaskFailed, TaskBuildError
from kudo.model.execution import TaskRequest
from kudo.model.tasks import DummyTask


class DummyActivities:
    """An activity that fails, succeeds, or never ends, as its task specifies."""

    def __init__(self, context: ActivityContext) -> None:
        self._context = context

    @activity.defn
    async def dummy(self, request: TaskRequest) -> str:
        """Fail, succeed, or wait forever (KUDO's `engine/task/task_dummy.go`)."""
        async with attempting_task(request, self._context) as attempt:
            task = request.task
            if not isinstance(task, DummyTask):
                raise TaskBuildError(f"The task {task.name} is not a Dummy task.")
            if task.spec.want_err and task.spec.fatal:
                raise DummyTaskError(f"The Dummy task {task.name} failed, as specified (fatal).")
            if task.spec.want_err:
                raise DummyTaskFailed(f"The Dummy task {task.name} failed, as specified.")
            if not task.spec.done:
                attempt.waiting_for(f"the Dummy task {task.name} never ends, as specified")
                await asyncio.Event().wait()
            return "done"
