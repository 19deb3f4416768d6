"""One attempt of an activity: heartbeats, and errors as Temporal's retry policy understands them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from kudo.errors import FatalError, GraceError, InternalError, KudoError, RetriesExhausted, TimedOut
from kudo.model.base import OMIT_EMPTY, Model, Text
from kudo.model.execution import Deadline, StepChange, TaskRequest, workflow_id
from kudo.model.status import ExecutionStatus, clip

HEARTBEAT = 2.0
"""Seconds between heartbeats."""

FREE_REPORTS = 8
"""How often a task tells the plan of an error, or that it got further, at once. After that it does so ever more
seldom, doubling the seconds between: a task that flaps must not flood the plan."""


class Beat(Model):
    """What a heartbeat says; the next attempt of the activity finds it."""

    waiting: Text = ""
    """What is being waited for."""
    error: Text = ""
    """The error it is failing on; empty when it got further."""
    told: Text = ""
    """The error that the plan was told of."""
    reports: Annotated[int, OMIT_EMPTY] = 0
    """How often the plan was told."""
    quiet_until: Annotated[float, OMIT_EMPTY] = 0
    """Before when the plan is not told again, in seconds since the epoch."""
    failures: Annotated[int, OMIT_EMPTY] = 0
    """How often it failed."""
    refused_since: Annotated[float | None, OMIT_EMPTY] = None
    """When the grace of an error began that is fatal after it, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an attempt is about: whom it tells of errors, and what bounds it."""

    plan: WorkflowHandle[Any, Any]
    change: StepChange
    max_attempts: int | None = None
    deadline: Deadline | None = None


class Attempt:
    """One attempt of an activity."""

    def __init__(self, grace: timedelta, subject: Subject | None) -> None:
        details = activity.info().heartbeat_details
        self._beat = Beat.model_validate(details[0]) if details else Beat()
        self._subject = subject
        self._grace = grace.total_seconds()
        self._telling: list[asyncio.Task[None]] = []

    def say(self, doing: str) -> None:
        """Tell in the heartbeat what is being done."""
        self._beat.waiting = clip(doing)
        self._send()

    def waits(self, waiting: str) -> None:
        """Tell in the heartbeat what is being waited for: all that was asked of the cluster has worked."""
        self._beat.refused_since = None
        self._beat.error = ""
        self.say(waiting)

    async def keep_beating(self) -> None:
        """Send heartbeats until cancelled; they also bring a cancel of the activity."""
        while True:
            # A task that is done at once needs none.
            await asyncio.sleep(HEARTBEAT)
            self._send()

    async def told(self) -> None:
        """Wait until the plan knows what it was told: what comes after this attempt must come after that."""
        await asyncio.gather(*self._telling)

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Run the body until the deadline. Raises TimedOut, which says what was waited for or failed last."""
        deadline = self._subject.deadline if self._subject else None
        if deadline is None:
            yield
            return
        left = (deadline.at - datetime.now(UTC)).total_seconds()
        if left <= 0:
            raise self._out_of_time(deadline)
        try:
            async with asyncio.timeout(left) as bound:
                yield
        except TimeoutError:
            if not bound.expired():
                raise
            raise self._out_of_time(deadline) from None

    def _out_of_time(self, deadline: Deadline) -> TimedOut:
        return TimedOut(deadline.missed(self._beat.error or self._beat.waiting or "it had not begun"))

    def succeeded(self) -> None:
        """Take back what the plan was told of errors: others of the step may go on for long."""
        self._beat.error, self._beat.quiet_until = "", 0
        self._send()

    def failure(self, error: KudoError) -> ApplicationError:
        """The error for Temporal; a transient one is also told to the plan, which never sees a retry otherwise."""
        message = clip(str(error))
        if self._is_fatal(error):
            return ApplicationError(message, type=error.reason, non_retryable=True)
        self._beat.failures += 1
        most = self._subject.max_attempts if self._subject else None
        if most is not None and self._beat.failures >= most:
            times = "once" if most == 1 else f"{most} times"
            exhausted = RetriesExhausted(f"It was tried {times}, as often as it may be. Last: {message}")
            return ApplicationError(str(exhausted), type=exhausted.reason, non_retryable=True)
        self._beat.error = message
        self._send()
        return ApplicationError(message, type=error.reason)

    def _is_fatal(self, error: KudoError) -> bool:
        if isinstance(error, GraceError):
            self._beat.refused_since = self._beat.refused_since or time.time()
            return time.time() - self._beat.refused_since >= self._grace
        return isinstance(error, FatalError)

    def _send(self) -> None:
        beat = self._beat
        if self._subject and beat.error != beat.told and time.time() >= beat.quiet_until:
            beat.told = beat.error
            beat.reports += 1
            if beat.reports >= FREE_REPORTS:
                beat.quiet_until = time.time() + 2.0 ** min(beat.reports - FREE_REPORTS, 30)
            self._tell(self._subject)
        activity.heartbeat(beat)

    def _tell(self, subject: Subject) -> None:
        status = ExecutionStatus.ERROR if self._beat.error else subject.change.status
        change = subject.change.model_copy(update={"status": status, "message": self._beat.error})
        self._telling.append(asyncio.create_task(_signal(subject.plan, change, self._telling[-1:])))


async def _signal(plan: WorkflowHandle[Any, Any], change: StepChange, before: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*before)
    try:
        await plan.signal("steps_changed", [change])
    except RPCError as problem:
        activity.logger.warning("The plan could not be told about a task: %s", problem)


def attempting_task(request: TaskRequest, grace: timedelta) -> AbstractAsyncContextManager[Attempt]:
    """Run the body as one attempt of a task, whose step shows the errors; see `attempting`."""
    metadata, task = request.metadata, request.task
    change = StepChange(phase=request.phase, step=request.step, task=task.name, status=ExecutionStatus.IN_PROGRESS)
    plan = activity.client().get_workflow_handle(
        workflow_id(metadata.instance_namespace, metadata.instance_name), run_id=metadata.plan_uid
    )
    most = task.retry.max_attempts if task.retry else None
    return attempting(grace, Subject(plan, change, most, request.deadline))


def attempting_load(grace: timedelta) -> AbstractAsyncContextManager[Attempt]:
    """Run the body as one attempt to load the plan of this workflow, which shows the errors; see `attempting`."""
    return attempting(grace, Subject(own_workflow(), StepChange(status=ExecutionStatus.PENDING)))


def own_workflow() -> WorkflowHandle[Any, Any]:
    """The workflow that runs this activity."""
    info = activity.info()
    return activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)


@asynccontextmanager
async def attempting(grace: timedelta, subject: Subject | None = None) -> AsyncIterator[Attempt]:
    """Run the body as one attempt: with heartbeats, and with its errors turned into Temporal's.

    Fatal errors become non-retryable, and transient ones are left to the retry policy, until the attempts or the time
    that the package allows are used up. Those with a grace are transient until it is over, counted over all attempts.
    What is no KudoError is a defect, and fatal: a retry would repeat it.
    """
    attempt = Attempt(grace, subject)
    beating = asyncio.create_task(attempt.keep_beating())
    try:
        async with attempt.in_time():
            yield attempt
        attempt.succeeded()
    except KudoError as error:
        raise attempt.failure(error) from None
    except Exception as error:
        activity.logger.exception("A defect")
        defect = InternalError(f"{type(error).__name__}: {error}. This is a defect; the worker's log has more.")
        raise attempt.failure(defect) from None
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await attempt.told()
