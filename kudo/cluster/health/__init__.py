"""Health: whether an object is what a plan waits for."""

from kudo.cluster.health.pods import in_trouble, pod_reason
from kudo.cluster.health.rules import health
from kudo.cluster.health.state import HEALTHY, Health, State

__all__ = ["HEALTHY", "Health", "State", "health", "in_trouble", "pod_reason"]
