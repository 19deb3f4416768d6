"""The activities: all I/O of a plan.

Each activity is one attempt (see `attempt`): it heartbeats what it waits for, turns errors into Temporal's, and is safe
to repeat. Task activities may wait without a bound; control activities never wait, and have a queue of their own, so
that a plan is loaded, reported on and cancelled while all slots of the task queue wait.
"""

from collections.abc import Callable

from kudo.activities.children import ChildActivities
from kudo.activities.context import GRACE, POD_PATIENCE, WAIT_LIMIT, ActivityContext
from kudo.activities.dummy import DummyActivities
from kudo.activities.pipes import PipeActivities
from kudo.activities.plan import PlanActivities
from kudo.activities.resources import ResourceActivities

__all__ = ["GRACE", "POD_PATIENCE", "WAIT_LIMIT", "ActivityContext", "control_activities", "task_activities"]


def task_activities(context: ActivityContext) -> list[Callable[..., object]]:
    """Return the activities that run tasks."""
    resources = ResourceActivities(context)
    return [
        resources.apply,
        resources.delete,
        resources.toggle,
        resources.wait,
        PipeActivities(context).pipe,
        ChildActivities(context).prepare_child,
        DummyActivities(context).dummy,
    ]


def control_activities(context: ActivityContext) -> list[Callable[..., object]]:
    """Return the activities that plans themselves need."""
    plan = PlanActivities(context)
    return [
        plan.load_active_plan,
        plan.report_status,
        plan.request_cancel,
        plan.explain_refusal,
        PipeActivities(context).remove_pipe_pod,
        ChildActivities(context).finish_child,
    ]
