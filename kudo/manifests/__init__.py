"""Manifests: how a task's templates become the objects that are applied."""

from kudo.manifests.build import build
from kudo.manifests.enhance import INSTANCE, PLAN_UID

__all__ = ["INSTANCE", "PLAN_UID", "build"]
