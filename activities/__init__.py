"""The activities: everything that a plan does to the world."""

from collections.abc import Callable
from datetime import timedelta

from activities.dummy import DummyActivities
from activities.plan import PlanActivities
from activities.resources import ResourceActivities
from kudo.cluster import Cluster
from kudo.templates import Renderer

GRACE = timedelta(seconds=60)
"""How long credentials, roles, namespaces and kinds may be late before their lack is fatal."""


def activities(cluster: Cluster, renderer: Renderer, grace: timedelta = GRACE) -> list[Callable[..., object]]:
    """All activities that a worker runs, on this cluster."""
    plan = PlanActivities(cluster, grace)
    resources = ResourceActivities(cluster, renderer, grace)
    dummy = DummyActivities(grace)
    return [
        plan.load_active_plan,
        plan.report_status,
        plan.request_cancel,
        resources.apply,
        resources.delete,
        resources.toggle,
        dummy.dummy,
    ]
