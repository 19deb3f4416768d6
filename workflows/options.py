"""How activities and child workflows are run: time-outs, retries and cancellation."""

from dataclasses import replace
from datetime import timedelta
from typing import NotRequired, TypedDict

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from workflows.deadlines import left_for_server

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import Deadline
    from kudo.model.tasks import Task

CANCEL_BOUND = timedelta(seconds=5)
"""How long a cancelled activity is waited for; the queue of a worker that is gone never answers."""

PHASE_BOUND = timedelta(seconds=20)
"""How long a cancelled phase is waited for: it waits for its activities, and then says what became of them."""

PLAN_BOUND = timedelta(minutes=6)
"""How long a cancelled plan is waited for: for its phases, and until its status is written."""

PENDING_ACTIVITIES = 400
"""How many activities one phase has pending at once; at 2,000 the server refuses every workflow task."""

REPORT_INTERVAL = timedelta(seconds=1)
"""The least time between two writes of a status to the Instance."""

MAX_EVENTS = 30_000
"""How many events the history of a phase may have before it goes on in a new run; at 51,200 the server ends it."""

MAX_HISTORY = 20_000_000
"""How many bytes it may have; at 50 MB the server ends it."""

REPORT_BUDGET = 2_000_000
"""Bytes of statuses in a plan's history, after each of which it reports half as often: they must not fill it."""

HOLD_BACK = timedelta(milliseconds=250)
"""The least time between two signals of a phase to its plan."""

SIGNALS = 100
"""After so many signals of a phase the time between them doubles."""

REPORT_BOUND = timedelta(minutes=5)
"""How long the end of a plan waits until its status is written."""


def control_queue(task_queue: str) -> str:
    """The queue for what plans themselves need, beside the one for their tasks."""
    return f"{task_queue}-control"


_FOREVER = timedelta(days=3650)
"""A task may wait for health as long as it takes; a lost worker is noticed by the missing heartbeat."""

MAX_INTERVAL = timedelta(seconds=30)
"""The longest time between two tries, where a package says nothing else."""

# A message that is too large is as large when it is tried again.
_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=MAX_INTERVAL,
    non_retryable_error_types=["PayloadsTooLarge"],
)


class ActivityOptions(TypedDict):
    """The keyword arguments of `workflow.start_activity` that are the same for all of a sort."""

    schedule_to_close_timeout: NotRequired[timedelta]
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


TASK = ActivityOptions(
    start_to_close_timeout=_FOREVER,
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=_RETRIES,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""For tasks, which may take for ever."""


def for_task(task: Task, deadline: Deadline | None) -> ActivityOptions:
    """The options of a task, with the bounds that it has."""
    own = ActivityOptions(**TASK)
    if task.retry:
        own["retry_policy"] = replace(
            _RETRIES,
            initial_interval=task.retry.initial_interval or _RETRIES.initial_interval,
            maximum_interval=max(
                task.retry.max_interval or MAX_INTERVAL, task.retry.initial_interval or _RETRIES.initial_interval
            ),
        )
    if deadline:
        own["schedule_to_close_timeout"] = left_for_server(deadline)
    return own


SHORT = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=_RETRIES,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""For reading a plan and reporting on it."""
