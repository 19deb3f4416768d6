"""How activities and child workflows are run: time-outs, retries and cancellation."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

CANCEL_BOUND = timedelta(seconds=5)
"""How long a cancelled activity is waited for; the queue of a worker that is gone never answers."""

PHASE_BOUND = timedelta(seconds=20)
"""How long a cancelled phase is waited for: it waits for its activities, and then says what became of them."""

PENDING_ACTIVITIES = 400
"""How many activities one phase has pending at once; at 2,000 the server refuses every workflow task."""

REPORT_INTERVAL = timedelta(seconds=1)
"""The least time between two writes of a status to the Instance."""

REPORT_BOUND = timedelta(minutes=5)
"""How long the end of a plan waits until its status is written."""


def control_queue(task_queue: str) -> str:
    """The queue for what plans themselves need, beside the one for their tasks."""
    return f"{task_queue}-control"


_FOREVER = timedelta(days=3650)
"""A task may wait for health as long as it takes; a lost worker is noticed by the missing heartbeat."""

# A message that is too large is as large when it is tried again.
_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=["PayloadsTooLarge"],
)


class ActivityOptions(TypedDict):
    """The keyword arguments of `workflow.start_activity` that are the same for all of a sort."""

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

SHORT = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=_RETRIES,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""For reading a plan and reporting on it."""
