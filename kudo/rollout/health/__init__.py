"""Health: whether an object is ready, has failed, or needs more time."""

from kudo.rollout.health.pods import container_statuses, failed_container, in_trouble, pod_reason
from kudo.rollout.health.rules import final, health
from kudo.rollout.health.state import HEALTHY, Health, State

__all__ = [
    "HEALTHY",
    "Health",
    "State",
    "container_statuses",
    "failed_container",
    "final",
    "health",
    "in_trouble",
    "pod_reason",
]
