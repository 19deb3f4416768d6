"""Manifests: how a task's templates become the objects that are applied."""

from kudo.manifests.build import build, plan_variables
from kudo.manifests.enhance import HERITAGE, INSTANCE, OPERATOR

__all__ = ["HERITAGE", "INSTANCE", "OPERATOR", "build", "plan_variables"]
