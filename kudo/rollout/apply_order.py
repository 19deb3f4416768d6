"""The order in which the objects of a task are applied."""

from collections.abc import Iterable

from kudo.model.objects import Object

PREREQUISITES = (
    "CustomResourceDefinition",
    "Namespace",
    "PriorityClass",
    "RuntimeClass",
    "IngressClass",
    "StorageClass",
    "PersistentVolume",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
)
"""Kinds that others need before they can be applied, or that pods depend on, in the order in which they are applied."""


def batches(objects: Iterable[Object]) -> tuple[list[Object], list[Object]]:
    """Return the prerequisites, and the other objects, which are applied once those are healthy.

    Objects of one kind, and all others, keep their order.
    """
    listed = list(objects)
    first = [item for item in listed if item.kind in PREREQUISITES]
    first.sort(key=lambda item: PREREQUISITES.index(item.kind))
    return first, [item for item in listed if item.kind not in PREREQUISITES]
