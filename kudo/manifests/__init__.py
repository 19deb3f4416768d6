"""Manifests: how a task's templates become the objects that are applied."""

from kudo.manifests.build import build, plan_variables
from kudo.manifests.enhance import HERITAGE, INSTANCE, OPERATOR, PHASE, PLAN_UID, STEP

__all__ = ["HERITAGE", "INSTANCE", "OPERATOR", "PHASE", "PLAN_UID", "STEP", "build", "plan_variables"]
