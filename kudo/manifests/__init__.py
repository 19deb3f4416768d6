"""Manifests: how a task's templates become the objects that are applied."""

from kudo.manifests.build import Namespaced, build, instance_variables, plan_variables, render, source_of
from kudo.manifests.enhance import pod_templates

__all__ = [
    "Namespaced",
    "build",
    "instance_variables",
    "plan_variables",
    "pod_templates",
    "render",
    "source_of",
]
