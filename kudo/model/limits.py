"""Limits of Temporal and Kubernetes, each beside the margin that this project keeps from it.

Temporal's are the defaults of its server (`limit.*` in its dynamic configuration). A plan that reached one of them
could neither continue nor report why, so it is refused, split or slowed down before.
"""

STEP_MESSAGE_BYTES = 4_000
"""Bytes of the message of a step; Temporal replaces the message of a failure that is too large."""

STATUS_MESSAGES_BYTES = 500_000
"""Bytes of all messages in the status of a plan; the status must fit into one payload (2 MB)."""

API_MESSAGE_CHARACTERS = 2_000
"""Characters of an error message of the Kubernetes API that are passed on."""

PLAN_BYTES = 1_800_000
"""Bytes of an ActivePlan as JSON; the server accepts payloads of up to 2 MB."""

PLAN_CONTENT_BYTES = 30_000_000
"""Bytes of all phases of a plan, or of all tasks of a step; a history may have 50 MB, including its other events."""

TASK_EVENT_BYTES = 1_500
"""Bytes of the events of a task, without its templates and parameters."""

PHASE_EVENTS = 30_000
"""Events of a phase after which it continues in a new run; the server ends a workflow at 51,200."""

PHASE_HISTORY_BYTES = 20_000_000
"""Bytes of the history of a phase after which it continues in a new run; the server ends a workflow at 50 MB."""

WORKFLOW_TASK_BYTES = 1_000_000
"""Bytes of the commands of one workflow task; the server ends the workflow at 4 MB."""

WORKFLOW_TASK_COMMANDS = 50
"""Activities or phases that one workflow task starts.

Each takes some milliseconds, and Temporal gives up a workflow task after 10 seconds, also on a busy worker.
"""

PENDING_ACTIVITIES = 400
"""Pending activities of one phase; at 2,000 the server fails every workflow task."""

PENDING_BRANCHES = 200
"""Phases or steps that run side by side; at 2,000 pending children the server fails every workflow task."""

STATUS_REPORT_BYTES = 2_000_000
"""Bytes of status reports in the history of a plan after which the time between two reports doubles."""

PHASE_SIGNALS = 100
"""Signals of a phase after which the time between two of them doubles; a workflow accepts 10,000 signals."""


def step_message_bytes(steps: int) -> int:
    """Return the maximum size, in bytes, of the message of a step in a plan with `steps` steps."""
    return max(100, min(STEP_MESSAGE_BYTES, STATUS_MESSAGES_BYTES // max(steps, 1)))


CHILD_STATUS_BYTES = 16 * 1024
"""Size of the status that the plan of a child sends to its parent, each time that it is written."""
