"""The only place that talks to Kubernetes."""

from kudo.cluster.cluster import Cluster
from kudo.cluster.dependencies import with_dependency_hashes
from kudo.cluster.health.own import OwnRules
from kudo.cluster.recreate import apply_or_recreate
from kudo.cluster.waiting import Judge, Say, wait_until_gone, wait_until_healthy

__all__ = [
    "Cluster",
    "Judge",
    "OwnRules",
    "Say",
    "apply_or_recreate",
    "wait_until_gone",
    "wait_until_healthy",
    "with_dependency_hashes",
]
