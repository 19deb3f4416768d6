"""One attempt of an activity: heartbeats, and errors as Temporal's retry policy understands them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from kudo.errors import FatalError, GraceError, InternalError, KudoError
from kudo.model.base import OMIT_EMPTY, Model, Text
from kudo.model.execution import StepChange, TaskRequest, workflow_id
from kudo.model.status import ExecutionStatus

HEARTBEAT = 2.0
"""Seconds between heartbeats."""

MAX_REPORTS = 20
"""How often a task tells the plan of an error or that it got further; one that flaps must not flood the plan."""

MAX_MESSAGE = 4000
"""Characters of a message; Temporal replaces failures that are too large by a sentence of its own."""


class Beat(Model):
    """What a heartbeat says; the next attempt of the activity finds it."""

    waiting: Text = ""
    """What is being waited for."""
    error: Text = ""
    """The last error that the plan was told of."""
    reports: Annotated[int, OMIT_EMPTY] = 0
    """How many errors the plan was told of."""
    refused_since: Annotated[float | None, OMIT_EMPTY] = None
    """When the grace of an error began that is fatal after it, in seconds since the epoch."""


class Attempt:
    """One attempt of an activity."""

    def __init__(self, grace: timedelta, about: StepChange | None, plan: WorkflowHandle[Any, Any] | None) -> None:
        details = activity.info().heartbeat_details
        self._beat = Beat.model_validate(details[0]) if details else Beat()
        self._about = about
        self._plan = plan
        self._grace = grace.total_seconds()
        self._telling: list[asyncio.Task[None]] = []

    def say(self, doing: str) -> None:
        """Tell in the heartbeat what is being done."""
        self._beat.waiting = doing[:MAX_MESSAGE]
        self._send()

    def waits(self, waiting: str) -> None:
        """Tell in the heartbeat what is being waited for: all that was asked of the cluster has worked."""
        self._beat.refused_since = None
        if self._beat.error and self._beat.reports < MAX_REPORTS:
            self._beat.error = ""
            self._tell(ExecutionStatus.IN_PROGRESS, "")
        self.say(waiting)

    async def keep_beating(self) -> None:
        """Send heartbeats until cancelled; they also bring a cancel of the activity."""
        while True:
            self._send()
            await asyncio.sleep(HEARTBEAT)

    async def told(self) -> None:
        """Wait until the plan knows what it was told: what comes after this attempt must come after that."""
        await asyncio.gather(*self._telling)

    def failure(self, error: KudoError) -> ApplicationError:
        """The error for Temporal; a transient one is also told to the plan, which never sees a retry otherwise."""
        message = str(error)[:MAX_MESSAGE]
        if self._is_fatal(error):
            return ApplicationError(message, type=error.reason, non_retryable=True)
        if message != self._beat.error and self._beat.reports < MAX_REPORTS:
            self._beat.error = message
            self._tell(ExecutionStatus.ERROR, message)
        self._send()
        return ApplicationError(message, type=error.reason)

    def _is_fatal(self, error: KudoError) -> bool:
        if isinstance(error, GraceError):
            self._beat.refused_since = self._beat.refused_since or time.time()
            return time.time() - self._beat.refused_since >= self._grace
        return isinstance(error, FatalError)

    def _send(self) -> None:
        activity.heartbeat(self._beat)

    def _tell(self, status: ExecutionStatus, message: str) -> None:
        if self._about is None or self._plan is None:
            return
        self._beat.reports += 1
        change = self._about.model_copy(update={"status": status, "message": message})
        self._telling.append(asyncio.create_task(_signal(self._plan, change, self._telling[-1:])))


async def _signal(plan: WorkflowHandle[Any, Any], change: StepChange, before: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*before)
    try:
        await plan.signal("steps_changed", [change])
    except RPCError as problem:
        activity.logger.warning("The plan could not be told about a task: %s", problem)


def attempting_task(request: TaskRequest, grace: timedelta) -> AbstractAsyncContextManager[Attempt]:
    """Run the body as one attempt of a task, whose step shows the errors; see `attempting`."""
    metadata = request.metadata
    about = StepChange(
        phase=request.phase, step=request.step, task=request.task.name, status=ExecutionStatus.IN_PROGRESS
    )
    plan = activity.client().get_workflow_handle(
        workflow_id(metadata.instance_namespace, metadata.instance_name), run_id=metadata.plan_uid
    )
    return attempting(grace, about, plan)


def attempting_load(grace: timedelta) -> AbstractAsyncContextManager[Attempt]:
    """Run the body as one attempt to load the plan of this workflow, which shows the errors; see `attempting`."""
    info = activity.info()
    plan = activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
    return attempting(grace, StepChange(status=ExecutionStatus.PENDING), plan)


@asynccontextmanager
async def attempting(
    grace: timedelta, about: StepChange | None = None, plan: WorkflowHandle[Any, Any] | None = None
) -> AsyncIterator[Attempt]:
    """Run the body as one attempt: with heartbeats, and with its errors turned into Temporal's.

    Fatal errors become non-retryable, transient ones are left to the retry policy; those with a grace are transient
    until it is over, counted over all attempts. What is no KudoError is a defect, and fatal: a retry would repeat it.
    """
    attempt = Attempt(grace, about, plan)
    beating = asyncio.create_task(attempt.keep_beating())
    try:
        yield attempt
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
