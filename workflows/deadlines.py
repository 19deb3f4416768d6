"""Deadlines of plans, phases, steps and tasks, and the pauses that postpone them.

A `timeout` in a package becomes one Deadline that is handed down the tree; the earliest of a task's own and those above
it bounds the task. The activity keeps it, because only the activity knows what it waits for. The server's
schedule-to-close timeout follows SERVER_MARGIN later, for an activity whose worker is gone. The workflow itself keeps a
deadline only while a step waits for approval or a child's plan runs.

During a pause the clocks of a plan and its phases stand still: their deadlines are postponed by how long it lasted. A
task that already runs keeps its deadline.
"""

import builtins
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, RetryState, TimeoutError

from kudo.model.execution import Deadline
from kudo.workflows.failures import root_cause

SERVER_MARGIN = timedelta(seconds=15)
"""How much later than its activity the server ends a task, because the worker may be gone."""


class Pause:
    """Whether a plan, or a phase of it, is paused, and for how long it was."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._before = timedelta(0)

    @property
    def active(self) -> bool:
        """Whether it is paused now."""
        return self._since is not None

    @property
    def duration(self) -> timedelta:
        """How long it was paused, altogether."""
        return self._before + (workflow.now() - self._since if self._since else timedelta(0))

    def set(self, paused: bool) -> None:
        """Begin a pause, or end it."""
        if not paused:
            self._before, self._since = self.duration, None
        elif self._since is None:
            self._since = workflow.now()

    async def wait_until_over(self) -> None:
        """Wait until it is not paused."""
        if self.active:
            await workflow.wait_condition(lambda: not self.active)


def deadline_of(what: str, timeout: timedelta | None) -> Deadline | None:
    """Return the deadline of something that begins now; None without a timeout."""
    return Deadline(at=workflow.now() + timeout, what=what, timeout=timeout) if timeout else None


def first_deadline(*deadlines: Deadline | None) -> Deadline | None:
    """Return the earliest deadline; None if there is none."""
    return min(filter(None, deadlines), key=lambda deadline: deadline.at, default=None)


def postpone(deadline: Deadline | None, by: timedelta) -> Deadline | None:
    """Return the same deadline later."""
    return deadline.model_copy(update={"at": deadline.at + by}) if deadline and by else deadline


def server_timeout(deadline: Deadline) -> timedelta:
    """Return how long the server lets a task run."""
    return max(deadline.at - workflow.now(), timedelta(0)) + SERVER_MARGIN


async def wait_until(
    condition: Callable[[], bool], deadline: Callable[[], Deadline | None], pause: Pause, doing: str
) -> None:
    """Wait for a condition, at most until a deadline that pauses postpone. Raises ApplicationError TimedOut."""
    while not condition():
        if pause.active:
            # Without a timer, which would have to be restarted again and again.
            await workflow.wait_condition(lambda: condition() or not pause.active)
            continue
        limit = deadline()
        try:
            await workflow.wait_condition(condition, timeout=limit.at - workflow.now() if limit else None)
        except builtins.TimeoutError:
            limit = deadline()
            if limit and limit.at <= workflow.now():
                raise _timed_out(limit, doing) from None


def require_time(deadline: Deadline | None, doing: str) -> None:
    """Raise ApplicationError TimedOut if a deadline is over."""
    if deadline and deadline.at <= workflow.now():
        raise _timed_out(deadline, doing)


def explain_timeout(error: ActivityError, deadline: Deadline | None) -> ApplicationError | None:
    """Return the error of a task that the server ended at its deadline; None if it ended for another reason."""
    cause = root_cause(error)
    if deadline is None or not (isinstance(cause, TimeoutError) or error.retry_state is RetryState.TIMEOUT):
        return None
    waiting = [beat.get("error") or beat.get("waiting") for beat in _heartbeats(cause) if isinstance(beat, dict)]
    return _timed_out(deadline, str(next(filter(None, waiting), cause.message)))


def _heartbeats(cause: FailureError) -> list[object]:
    return list(cause.last_heartbeat_details) if isinstance(cause, TimeoutError) else []


def _timed_out(deadline: Deadline, doing: str) -> ApplicationError:
    return ApplicationError(deadline.missed_message(doing), type="TimedOut", non_retryable=True)
