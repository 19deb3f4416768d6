"""The annotation with which a template requests that its object is deleted and recreated."""

from enum import StrEnum

from kudo.errors import TaskEnhancementError
from kudo.model.annotations import RECREATE
from kudo.model.objects import Object

NEVER_RECREATED = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
"""Kinds whose deletion loses data; only a Delete task deletes them."""


class RecreatePolicy(StrEnum):
    """When an object is deleted and recreated."""

    NEVER = "Never"
    IF_IMMUTABLE = "IfImmutable"
    """If an immutable field has changed."""
    ALWAYS = "Always"
    """In every run of the task."""


def recreate_policy(item: Object) -> RecreatePolicy:
    """Return the policy in an object's annotation. Raises TaskEnhancementError if it is unknown or not allowed."""
    value = item.annotations.get(RECREATE, RecreatePolicy.NEVER)
    if value not in list(RecreatePolicy):
        raise TaskEnhancementError(f"{item.ref}: the annotation {RECREATE} must be one of {', '.join(RecreatePolicy)}")
    if value != RecreatePolicy.NEVER and item.kind in NEVER_RECREATED:
        raise TaskEnhancementError(f"{item.ref}: a {item.kind} cannot be recreated, because its contents would be lost")
    return RecreatePolicy(value)
