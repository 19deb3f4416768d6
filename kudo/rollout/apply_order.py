"""The order in which the objects of a task are applied."""

from collections.abc import Iterable

from kudo.model.objects import Object

_ORDER = (
    {"CustomResourceDefinition", "Namespace"},
    {"IngressClass", "PriorityClass", "RuntimeClass", "StorageClass"},
    {"LimitRange", "NetworkPolicy", "PersistentVolume", "ResourceQuota"},
    {"ServiceAccount"},
    {"ConfigMap", "Secret"},
    {"ClusterRole", "Role"},
    {"ClusterRoleBinding", "RoleBinding"},
)
"""Kinds that others need before they can be applied, or that pods depend on, in the order in which they are applied."""

_RANKS = {kind: rank for rank, kinds in enumerate(_ORDER) for kind in kinds}


def batches(objects: Iterable[Object]) -> tuple[list[Object], list[Object]]:
    """Return the prerequisites, and the other objects, which are applied once those are healthy.

    Objects of one rank, and all others, keep their order.
    """
    listed = list(objects)
    first = [item for item in listed if item.kind in _RANKS]
    first.sort(key=lambda item: _RANKS[item.kind])
    return first, [item for item in listed if item.kind not in _RANKS]
