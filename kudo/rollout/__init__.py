"""Rolling out objects: the order in which they are applied, when they are healthy, and when they are recreated."""

from kudo.rollout.dependency_hashes import with_dependency_hashes
from kudo.rollout.health.annotation_rules import AnnotationRules
from kudo.rollout.recreate import apply_or_recreate
from kudo.rollout.wait import (
    HealthCheck,
    OnProgress,
    ends_by_itself,
    wait_until_gone,
    wait_until_healthy,
    watching_ends,
)

__all__ = [
    "AnnotationRules",
    "HealthCheck",
    "OnProgress",
    "apply_or_recreate",
    "ends_by_itself",
    "wait_until_gone",
    "wait_until_healthy",
    "watching_ends",
    "with_dependency_hashes",
]
