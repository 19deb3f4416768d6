"""The activities: everything that a plan does to the world."""

from collections.abc import Callable
from datetime import timedelta

from activities.children import ChildActivities
from activities.dummy import DummyActivities
from activities.pipes import PipeActivities, PipePods
from activities.plan import PlanActivities
from activities.resources import ResourceActivities
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER_IMAGE
from kudo.model.bounds import UNBOUNDED, Bounds
from kudo.templates import Renderer

GRACE = timedelta(seconds=60)
"""How long credentials, roles, namespaces and kinds may be late before their lack is fatal."""


def task_activities(
    cluster: Cluster,
    renderer: Renderer,
    grace: timedelta = GRACE,
    *,
    patience: timedelta | None = None,
    pipe_image: str = WAITER_IMAGE,
) -> list[Callable[..., object]]:
    """What runs tasks, on this cluster; such an activity may wait for ever.

    `patience` is how long pods may be in trouble before what they are of has failed; without it, for ever.
    """
    resources = ResourceActivities(cluster, renderer, grace, patience)
    pipes = PipeActivities(cluster, renderer, grace, patience, pipe_image)
    children = ChildActivities(cluster, renderer, grace)
    return [
        resources.apply,
        resources.delete,
        resources.toggle,
        pipes.pipe,
        children.prepare_child,
        DummyActivities(grace).dummy,
    ]


def plan_activities(
    cluster: Cluster, renderer: Renderer, grace: timedelta = GRACE, bounds: Bounds = UNBOUNDED
) -> list[Callable[..., object]]:
    """What plans themselves need; none of it waits, and none of it may wait for a task."""
    plan = PlanActivities(cluster, renderer, grace, bounds)
    return [
        plan.load_active_plan,
        plan.report_status,
        plan.request_cancel,
        plan.explain_refusal,
        PipePods(cluster, grace).remove_pipe_pod,
        ChildActivities(cluster, renderer, grace).finish_child,
    ]
