"""Manifests: how a task's templates become the objects that are applied."""

from kudo.manifests.build import Namespaced, build, instance_variables, plan_variables, render, source_of
from kudo.manifests.enhance import HERITAGE, INSTANCE, OPERATOR, PENDING_PLAN, PHASE, PLAN, PLAN_UID, STEP

__all__ = [
    "HERITAGE",
    "INSTANCE",
    "OPERATOR",
    "PENDING_PLAN",
    "PHASE",
    "PLAN",
    "PLAN_UID",
    "STEP",
    "Namespaced",
    "build",
    "instance_variables",
    "plan_variables",
    "render",
    "source_of",
]
