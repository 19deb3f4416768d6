"""Manifests: render the templates of a task into the objects to apply."""

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
