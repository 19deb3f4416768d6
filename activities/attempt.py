"""One attempt of an activity: its heartbeats, its deadline, and its errors as Temporal's retry policy needs them.

    attempting_task(request) -> Attempt -> the body of the activity
        doing(...), waiting_for(...)  -> heartbeat details, which the Web UI and the CLI show
        TransientError                -> ApplicationError, retried; the plan gets a message
        GraceError                    -> retried until the grace is over, then fatal; KindServedElsewhere at once
        RendererDied                  -> retried KILLED_RENDERERS - 1 times, then fatal
        FatalError                    -> non-retryable ApplicationError, type = name of the error
        any other exception           -> InternalError, fatal: a retry would repeat a defect
        the deadline is over          -> TimedOut, with what was waited for

A task that waits for long hands its wait over to the activity `wait`, whose heartbeats are rarer, because each costs
the server a write.

Heartbeat details survive an attempt: the next one finds how often the task failed, when the grace began, and what was
reported. A retry never reaches workflow code, so the attempt reports its error to its workflow by a signal, from which
the plan gets it: at once at first, and less and less often if the error keeps changing. A local activity sends neither
reports nor heartbeats: if it fails for now, an activity that does takes its place.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from kudo.activities.context import ActivityContext
from kudo.activities.slots import TaskSlots
from kudo.errors import (
    ApiOutage,
    FatalError,
    GraceError,
    InternalError,
    KindServedElsewhere,
    KudoError,
    RendererDied,
    RetriesExhausted,
    TimedOut,
)
from kudo.model.base import OMIT_EMPTY, Model, Text
from kudo.model.execution import (
    Deadline,
    LoadErrorChanged,
    LongWait,
    ProgressMessage,
    TaskErrorChanged,
    TaskRequest,
    TaskWaitChanged,
    workflow_id,
)
from kudo.model.status import clip
from kudo.templates.renderer import RENDERS_FOR

HEARTBEATS = 5
"""Heartbeats within the heartbeat timeout of an activity; a lost one does no harm."""

QUIET = 1.0
"""Seconds until the first heartbeat of an attempt: most tasks end before, and each costs the server about an event."""

NO_TIMEOUT = timedelta(seconds=10)
"""Counts as the heartbeat timeout of a local activity, which has none."""

KILLED_RENDERERS = 3
"""Rendering processes that an activity may cost; what kills more of them would kill them for ever."""

LONG_WAIT = 10.0
"""Seconds after which the plan is told what a task waits for; each report is a signal in its history."""

FREE_REPORTS = 8
"""Reports of an activity to its plan that are sent at once; the time before each further one doubles, so that a task
whose error keeps changing does not flood the plan."""


class HeartbeatDetails(Model):
    """The details of a heartbeat; the next attempt of the activity starts from them."""

    waiting: Text = ""
    """The current action or wait of the activity."""
    error: Text = ""
    """The error of the last attempt; empty if the activity has made progress since."""
    reported_error: Text = ""
    """The error that was reported to the plan last."""
    reported_attempt: Annotated[int, OMIT_EMPTY] = 0
    """The attempt that was reported to the plan last."""
    reported_wait: Text = ""
    """The wait that was reported to the plan last."""
    reports: Annotated[int, OMIT_EMPTY] = 0
    """How many reports were sent to the plan."""
    quiet_until: Annotated[float, OMIT_EMPTY] = 0
    """When the next report may be sent, in seconds since the epoch."""
    failures: Annotated[int, OMIT_EMPTY] = 0
    """How many attempts failed."""
    renderers_killed: Annotated[int, OMIT_EMPTY] = 0
    """How many processes were killed while they rendered the templates of this activity."""
    refused_since: Annotated[float | None, OMIT_EMPTY] = None
    """When the grace of a GraceError began, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class AttemptScope:
    """The workflow that an attempt reports to, and what bounds the attempt."""

    workflow: WorkflowHandle[Any, Any]
    message: Callable[[str], ProgressMessage]
    """Returns the message about an error; an empty error means that the activity made progress."""
    wait_message: Callable[[str], ProgressMessage] | None = None
    """Returns the message about a wait; None if the plan does not show waits of this activity."""
    max_attempts: int | None = None
    deadline: Deadline | None = None
    reported_wait: str = ""
    """The wait that an earlier activity of the task reported."""


class Attempt:
    """One attempt of an activity."""

    def __init__(self, grace: timedelta, scope: AttemptScope | None, slots: TaskSlots | None = None) -> None:
        info = activity.info()
        self._details = _details_of(info.heartbeat_details, scope)
        self._interval = (info.heartbeat_timeout or NO_TIMEOUT).total_seconds() / HEARTBEATS
        self._sent: tuple[float, HeartbeatDetails] | None = None
        self._scope = scope
        self._grace = grace.total_seconds()
        self._slots = slots
        self._began = time.monotonic()
        self._ahead = info.started_time - datetime.now(UTC)
        self._waits_since: float | None = None
        self._is_over = False
        self._is_handed_over = False
        self._wait_reports = 0
        self._no_wait_report_until = 0.0
        self._reporting: list[asyncio.Task[None]] = []

    def doing(self, action: str) -> None:
        """Set the action in the heartbeat."""
        self._details.waiting = clip(action)
        self._heartbeat()

    def waiting_for(self, condition: str) -> None:
        """Set the condition in the heartbeat, and clear the error: every request to the cluster has succeeded."""
        self._details.refused_since = None
        self._details.error = ""
        if self._waits_since is None:
            self._waits_since = time.time()
            if self._slots:
                self._slots.wait()
        self.doing(condition)

    def end(self) -> None:
        """Give the slot of an attempt that waited back to the worker, which frees it."""
        if self._slots and self._waits_since is not None:
            self._slots.end_wait()

    async def keep_heartbeating(self) -> None:
        """Send heartbeats until cancelled; their responses deliver a cancel of the activity."""
        await asyncio.sleep(QUIET)
        while True:
            self._heartbeat()
            await asyncio.sleep(self._interval)

    def hand_over(self) -> str:
        """Leave the reported wait as it is, because another activity continues it; return that wait."""
        self._is_handed_over = True
        return self._details.reported_wait

    async def flush_reports(self) -> None:
        """Wait until all reports are sent, so that the plan gets them before the result of the activity."""
        await asyncio.gather(*self._reporting)

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Run the body until the deadline. Raises TimedOut with what was waited for or the last error."""
        deadline = self._scope.deadline if self._scope else None
        if deadline is None:
            yield
            return
        left = (deadline.at - self._now()).total_seconds()
        if left <= 0:
            raise self._out_of_time(deadline)
        try:
            async with asyncio.timeout(left) as bound:
                yield
        except TimeoutError:
            if not bound.expired():
                raise
            raise self._out_of_time(deadline) from None

    def _now(self) -> datetime:
        """Return the time by Temporal's clock, which deadlines are set by; that of this machine may differ."""
        return datetime.now(UTC) + self._ahead

    def _out_of_time(self, deadline: Deadline) -> TimedOut:
        return TimedOut(deadline.missed_message(self._details.error or self._details.waiting or "it had not started"))

    def succeeded(self) -> None:
        """Report that the error is over, before the step ends: its other tasks may run for a long time."""
        self._details.error, self._details.quiet_until = "", 0
        self._is_over = True
        self._heartbeat()
        if self._is_handed_over:
            return
        if self._details.reported_wait and self._scope and self._scope.wait_message:
            self._report(self._scope, self._scope.wait_message(""))

    def failure(self, error: KudoError) -> ApplicationError:
        """Return the error for Temporal, and report a transient one to the plan."""
        message = clip(str(error))
        if self._is_fatal(error):
            return ApplicationError(message, type=error.reason, non_retryable=True)
        # An outage of the API says nothing about the task.
        self._details.failures += not isinstance(error, ApiOutage)
        allowed = self._scope.max_attempts if self._scope else None
        if allowed is not None and self._details.failures >= allowed:
            attempts = "1 attempt" if allowed == 1 else f"{allowed} attempts"
            exhausted = RetriesExhausted(f"Failed after {attempts} (maxAttempts). Last error: {message}")
            return ApplicationError(str(exhausted), type=exhausted.reason, non_retryable=True)
        self._details.error = message
        self._heartbeat(is_last=True)
        return ApplicationError(message, type=error.reason, next_retry_delay=error.retry_after)

    def _is_fatal(self, error: KudoError) -> bool:
        if isinstance(error, KindServedElsewhere):
            return True
        if isinstance(error, GraceError):
            self._details.refused_since = self._details.refused_since or time.time()
            return time.time() - self._details.refused_since >= self._grace
        if isinstance(error, RendererDied):
            self._details.renderers_killed += 1
            return self._details.renderers_killed >= KILLED_RENDERERS
        return isinstance(error, FatalError)

    def _heartbeat(self, *, is_last: bool = False) -> None:
        details = self._details
        if activity.info().is_local:
            return
        if self._scope and self._has_changed() and time.time() >= details.quiet_until:
            details.reported_error, details.reported_attempt = details.error, activity.info().attempt
            details.reports += 1
            if details.reports >= FREE_REPORTS:
                details.quiet_until = time.time() + 2.0 ** min(details.reports - FREE_REPORTS, 30)
            self._report(self._scope, self._scope.message(details.error))
        if self._waits_since is not None and not self._is_over and time.time() - self._waits_since >= LONG_WAIT:
            self._report_wait(details.waiting)
        # The next attempt starts from the last details.
        if is_last or self._is_time():
            self._sent = time.monotonic(), self._details.model_copy()
            activity.heartbeat(self._sent[1])

    def _is_time(self) -> bool:
        """Whether the details have changed, or the server expects a heartbeat."""
        now = time.monotonic()
        if self._is_over or now - self._began < QUIET:
            return False
        return self._sent is None or self._sent[1] != self._details or now - self._sent[0] >= self._interval / 2

    def _has_changed(self) -> bool:
        """Whether the plan has to know of the error: it differs, or its attempts have doubled."""
        details = self._details
        doubled = activity.info().attempt >= 2 * details.reported_attempt
        return details.error != details.reported_error or (details.error != "" and doubled)

    def _report_wait(self, waiting: str) -> None:
        """Report a long wait to the plan, which shows it; less and less often if it keeps changing."""
        if self._scope is None or self._scope.wait_message is None:
            return
        if waiting == self._details.reported_wait or time.time() < self._no_wait_report_until:
            return
        self._details.reported_wait = waiting
        self._wait_reports += 1
        self._no_wait_report_until = time.time() + LONG_WAIT * 2 ** min(self._wait_reports, 10)
        self._report(self._scope, self._scope.wait_message(waiting))

    def _report(self, scope: AttemptScope, message: ProgressMessage) -> None:
        self._reporting.append(asyncio.create_task(_signal(scope.workflow, message, self._reporting[-1:])))


async def _signal(
    workflow: WorkflowHandle[Any, Any], message: ProgressMessage, before: list[asyncio.Task[None]]
) -> None:
    await asyncio.gather(*before)
    try:
        await workflow.signal("report_progress", [message])
    except RPCError as problem:
        activity.logger.warning("Could not signal %s about a task: %s", workflow.id, problem)


def _details_of(before: Sequence[Any], scope: AttemptScope | None) -> HeartbeatDetails:
    if before:
        return HeartbeatDetails.model_validate(before[0])
    return HeartbeatDetails(reported_wait=scope.reported_wait if scope else "")


def attempting_task(request: TaskRequest | LongWait, context: ActivityContext) -> AbstractAsyncContextManager[Attempt]:
    """Run the body as one attempt of a task, whose step shows the errors; see `attempting`."""
    metadata, task = request.metadata, request.task

    def message(error: str) -> TaskErrorChanged:
        attempt = activity.info().attempt if error else 0
        return TaskErrorChanged(phase=request.phase, step=request.step, task=task.name, error=error, attempt=attempt)

    def wait_message(waiting: str) -> TaskWaitChanged:
        return TaskWaitChanged(phase=request.phase, step=request.step, task=task.name, waiting=waiting)

    max_attempts = task.retry.max_attempts if task.retry else None
    RENDERS_FOR.set(workflow_id(metadata.instance_namespace, metadata.instance_name))
    reported_wait = request.reported_wait if isinstance(request, LongWait) else ""
    scope = AttemptScope(own_workflow(), message, wait_message, max_attempts, request.deadline, reported_wait)
    return attempting(context.grace, scope, context.slots)


def attempting_load(grace: timedelta) -> AbstractAsyncContextManager[Attempt]:
    """Run the body as one attempt to load the plan of this workflow, which shows the errors; see `attempting`."""
    RENDERS_FOR.set(activity.info().workflow_id or "")
    return attempting(grace, AttemptScope(own_workflow(), lambda error: LoadErrorChanged(error=error)))


def own_workflow() -> WorkflowHandle[Any, Any]:
    """Return the workflow that runs this activity."""
    info = activity.info()
    return activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)


@asynccontextmanager
async def attempting(
    grace: timedelta, scope: AttemptScope | None = None, slots: TaskSlots | None = None
) -> AsyncIterator[Attempt]:
    """Run the body as one attempt: send heartbeats, and turn its errors into Temporal's (see the module).

    Transient errors are left to the retry policy until the attempts or the time that the package allows are used up.
    """
    attempt = Attempt(grace, scope, slots)
    beating = asyncio.create_task(attempt.keep_heartbeating())
    try:
        async with attempt.in_time():
            yield attempt
        attempt.succeeded()
    except KudoError as error:
        raise attempt.failure(error) from None
    except Exception as error:
        activity.logger.exception("Unexpected error in an activity")
        defect = InternalError(
            f"{type(error).__name__}: {error}. This is a bug in KUDO; the log of the worker has a traceback."
        )
        raise attempt.failure(defect) from None
    finally:
        attempt.end()
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await attempt.flush_reports()
