"""The annotation by which a template asks that its object be deleted and made anew."""

from enum import StrEnum

from kudo.errors import TaskEnhancementError
from kudo.model.objects import Object

RECREATE = "kudo.dev/recreate"

KEPT = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
"""Kinds that would take data along; only a Delete task deletes them."""


class Recreate(StrEnum):
    """When an object is deleted and made anew."""

    NEVER = "Never"
    IF_IMMUTABLE = "IfImmutable"
    """Where a field has changed that cannot be changed."""
    ALWAYS = "Always"
    """In every run of the task."""


def recreate(item: Object) -> Recreate:
    """What an object's annotation says. Raises TaskEnhancementError where that is none of the above."""
    value = item.annotations.get(RECREATE, Recreate.NEVER)
    if value not in list(Recreate):
        raise TaskEnhancementError(f"{item.ref}: the annotation {RECREATE} must be one of {', '.join(Recreate)}")
    if value != Recreate.NEVER and item.kind in KEPT:
        raise TaskEnhancementError(f"{item.ref}: a {item.kind} is not made anew, because what it holds would be lost")
    return Recreate(value)
