"""The only place that talks to Kubernetes."""

from kudo.cluster.cluster import Cluster
from kudo.cluster.waiting import Say, wait_until_gone, wait_until_healthy

__all__ = ["Cluster", "Say", "wait_until_gone", "wait_until_healthy"]
