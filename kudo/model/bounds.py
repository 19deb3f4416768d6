"""Default retry and timeout of tasks: the worker's settings."""

from kudo.model.base import Model
from kudo.model.durations import Duration
from kudo.model.tasks import Retry, Task


class Bounds(Model):
    """How many times, and for how long, a task is retried; None is unlimited, as in KUDO."""

    retry: Retry = Retry()
    timeout: Duration | None = None

    def applied_to(self, task: Task) -> Task:
        """Return the task, with these bounds for those that it does not set itself."""
        retry = task.retry or Retry()
        merged = Retry(
            max_attempts=retry.max_attempts or self.retry.max_attempts,
            initial_interval=retry.initial_interval or self.retry.initial_interval,
            max_interval=retry.max_interval or self.retry.max_interval,
        )
        return task.model_copy(
            update={"retry": None if merged == Retry() else merged, "timeout": task.timeout or self.timeout}
        )


UNBOUNDED = Bounds()
