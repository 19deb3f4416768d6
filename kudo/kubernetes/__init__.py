"""The Kubernetes API: the only package that imports the `kubernetes` library."""

from kudo.kubernetes.cluster import Cluster

__all__ = ["Cluster"]
