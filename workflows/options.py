"""Options of activities and child workflows: timeouts, retries and cancellation."""

from dataclasses import replace
from datetime import timedelta
from typing import NotRequired, TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from kudo.model.execution import Deadline
from kudo.model.tasks import Task
from kudo.workflows.deadlines import server_timeout

CANCEL_BOUND = timedelta(seconds=5)
"""How long a workflow waits for a cancelled activity; a worker that is gone never answers."""

PHASE_BOUND = timedelta(seconds=20)
"""How long a plan waits for a cancelled phase, which waits for its activities and reports how they ended."""

PLAN_BOUND = timedelta(minutes=6)
"""How long a ScheduledPlan waits for its cancelled plan, which waits for its phases and writes its status."""

REPORT_INTERVAL = timedelta(seconds=1)
"""The least time between two writes of a status to the Instance, and between two signals of a phase to its plan."""

SIGNAL_INTERVAL = timedelta(milliseconds=250)
"""The least time between two signals of a phase to its plan, if the second is urgent."""

REPORT_BOUND = timedelta(minutes=5)
"""How long a plan that ends tries to write its final status."""


def control_queue(task_queue: str) -> str:
    """Return the task queue of control activities, beside the queue of a plan's tasks."""
    return f"{task_queue}-control"


_FOREVER = timedelta(days=3650)
"""A task may wait for health without a bound; the missing heartbeat reveals a lost worker."""

WAIT_HEARTBEAT = timedelta(seconds=150)
"""The heartbeat timeout of a long wait: each heartbeat costs the server about as much CPU time as an event."""

MAX_INTERVAL = timedelta(seconds=30)
"""The longest time between two attempts, unless the package sets another."""

# A payload that is too large is as large in the next attempt.
_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=MAX_INTERVAL,
    non_retryable_error_types=["PayloadsTooLarge"],
)


_ONCE = RetryPolicy(maximum_attempts=1)


class ActivityOptions(TypedDict):
    """The keyword arguments of `workflow.start_activity` that all activities of a group share."""

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
"""For tasks, which have no bound of their own."""


def for_task(task: Task, deadline: Deadline | None) -> ActivityOptions:
    """Return the options of a task, with its own retries and deadline."""
    options = ActivityOptions(**TASK)
    if task.retry:
        options["retry_policy"] = replace(
            _RETRIES,
            initial_interval=task.retry.initial_interval or _RETRIES.initial_interval,
            maximum_interval=max(
                task.retry.max_interval or MAX_INTERVAL, task.retry.initial_interval or _RETRIES.initial_interval
            ),
        )
    if deadline:
        options["schedule_to_close_timeout"] = server_timeout(deadline)
    return options


def for_wait(task: Task, deadline: Deadline | None) -> ActivityOptions:
    """Return the options of a long wait of a task: its worker is missed later, and a cancelled one is not awaited."""
    options = for_task(task, deadline)
    options["heartbeat_timeout"] = WAIT_HEARTBEAT
    options["cancellation_type"] = ActivityCancellationType.TRY_CANCEL
    return options


SHORT = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=_RETRIES,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""For control activities, which read a plan and report on it."""


class EagerOptions(ActivityOptions):
    """ActivityOptions with the time that an activity may wait in its queue."""

    schedule_to_start_timeout: timedelta


EAGER = EagerOptions(
    start_to_close_timeout=SHORT["start_to_close_timeout"],
    heartbeat_timeout=SHORT["heartbeat_timeout"],
    cancellation_type=SHORT["cancellation_type"],
    retry_policy=_ONCE,
    schedule_to_start_timeout=timedelta(seconds=1),
)
"""For a control activity on the queue of tasks, which has one attempt."""


class LocalOptions(TypedDict):
    """The keyword arguments of `workflow.start_local_activity`."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


LOCAL = LocalOptions(
    start_to_close_timeout=timedelta(seconds=2),
    retry_policy=_ONCE,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""For local activities, which have one attempt."""
