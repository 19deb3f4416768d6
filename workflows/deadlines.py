"""The timeouts of plans, phases, steps and tasks, as the moments by which they have to be done.

They are kept by the activities, which know what they wait for. The workflow keeps them only where no activity runs:
while a step waits for somebody's approval, and where the worker that ran a task is gone.
"""

import builtins
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, RetryState, TimeoutError

from workflows.failures import root_cause

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import Deadline

GRACE = timedelta(seconds=15)
"""How much later than its activity the server itself ends a task, because its worker may be gone."""


def deadline(what: str, timeout: timedelta | None) -> Deadline | None:
    """The deadline of something that begins now."""
    return Deadline(at=workflow.now() + timeout, what=what, timeout=timeout) if timeout else None


def earliest(*deadlines: Deadline | None) -> Deadline | None:
    """The one that comes first."""
    return min(filter(None, deadlines), key=lambda one: one.at, default=None)


def later(one: Deadline | None, by: timedelta) -> Deadline | None:
    """The same, put off."""
    return one.model_copy(update={"at": one.at + by}) if one and by else one


def left_for_server(one: Deadline) -> timedelta:
    """How long the server lets a task run."""
    return max(one.at - workflow.now(), timedelta(0)) + GRACE


async def wait_until(
    condition: Callable[[], bool], one: Callable[[], Deadline | None], held: Callable[[], bool], last: str
) -> None:
    """Wait for a condition until a deadline, which is put off while it is held. Raises ApplicationError TimedOut."""
    while not condition():
        if held():
            # Without a timer: one for what is left would have to be started again and again.
            await workflow.wait_condition(lambda: condition() or not held())
            continue
        limit = one()
        try:
            await workflow.wait_condition(condition, timeout=limit.at - workflow.now() if limit else None)
        except builtins.TimeoutError:
            limit = one()
            if limit and limit.at <= workflow.now():
                raise _timed_out(limit, last) from None


def require_time(one: Deadline | None, last: str) -> None:
    """Raise ApplicationError TimedOut where a deadline is over."""
    if one and one.at <= workflow.now():
        raise _timed_out(one, last)


def explain_timeout(error: ActivityError, one: Deadline | None) -> ApplicationError | None:
    """What is said of a task that the server ended because its time was used up; None where that was not so."""
    cause = root_cause(error)
    if one is None or not (isinstance(cause, TimeoutError) or error.retry_state is RetryState.TIMEOUT):
        return None
    waiting = [beat.get("error") or beat.get("waiting") for beat in _beats(cause) if isinstance(beat, dict)]
    return _timed_out(one, str(next(filter(None, waiting), cause.message)))


def _beats(cause: FailureError) -> list[object]:
    return list(cause.last_heartbeat_details) if isinstance(cause, TimeoutError) else []


def _timed_out(one: Deadline, last: str) -> ApplicationError:
    return ApplicationError(one.missed(last), type="TimedOut", non_retryable=True)
