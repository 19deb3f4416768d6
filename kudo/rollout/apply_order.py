"""The order in which the objects of a task are applied."""

from collections.abc import Iterable

from kudo.model.objects import Object

PREREQUISITES = ("CustomResourceDefinition", "Namespace", "ConfigMap", "Secret")
"""Kinds that others need before they can be applied, or whose content pods depend on."""


def batches(objects: Iterable[Object]) -> tuple[list[Object], list[Object]]:
    """Return the prerequisites, and the other objects, which are applied once those are healthy; each in its order."""
    listed = list(objects)
    first = [item for item in listed if item.kind in PREREQUISITES]
    return first, [item for item in listed if item.kind not in PREREQUISITES]
