"""The annotation by which a template asks that its object be deleted and made anew."""

from enum import StrEnum

from kudo.errors import TaskEnhancementError
from kudo.model.annotations import RECREATE
from kudo.model.objects import Object

KEPT = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
"""Kinds that would take data along; only a Delete task deletes them."""


class RecreatePolicy(StrEnum):
    """When an object is deleted and made anew."""

    NEVER = "Never"
    IF_IMMUTABLE = "IfImmutable"
    """Where a field has changed that cannot be changed."""
    ALWAYS = "Always"
    """In every run of the task."""


def recreate_policy(item: Object) -> RecreatePolicy:
    """What an object's annotation says. Raises TaskEnhancementError where that is none of the above."""
    value = item.annotations.get(RECREATE, RecreatePolicy.NEVER)
    if value not in list(RecreatePolicy):
        raise TaskEnhancementError(f"{item.ref}: the annotation {RECREATE} must be one of {', '.join(RecreatePolicy)}")
    if value != RecreatePolicy.NEVER and item.kind in KEPT:
        raise TaskEnhancementError(f"{item.ref}: a {item.kind} is not made anew, because what it holds would be lost")
    return RecreatePolicy(value)
