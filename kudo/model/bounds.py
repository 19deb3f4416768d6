"""Bounds for tasks whose packages set none: the worker's settings."""

from kudo.model.base import Model
from kudo.model.durations import Duration
from kudo.model.tasks import Retry, Task


class Bounds(Model):
    """How often and how long a task is tried; None is for ever, as in KUDO."""

    retry: Retry = Retry()
    timeout: Duration | None = None

    def applied_to(self, task: Task) -> Task:
        """The task, with these bounds where it has none of its own."""
        own = task.retry or Retry()
        merged = Retry(
            max_attempts=own.max_attempts or self.retry.max_attempts,
            initial_interval=own.initial_interval or self.retry.initial_interval,
            max_interval=own.max_interval or self.retry.max_interval,
        )
        return task.model_copy(
            update={"retry": None if merged == Retry() else merged, "timeout": task.timeout or self.timeout}
        )


UNBOUNDED = Bounds()
