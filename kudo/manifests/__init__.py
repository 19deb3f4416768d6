"""Manifests: render the templates of a task into the objects to apply."""

from kudo.manifests.build import (
    Namespaced,
    enhance_all,
    instance_variables,
    or_as_defined,
    plan_variables,
    render,
    render_objects,
    source_of,
)
from kudo.manifests.enhance import pod_templates

__all__ = [
    "Namespaced",
    "enhance_all",
    "instance_variables",
    "or_as_defined",
    "plan_variables",
    "pod_templates",
    "render",
    "render_objects",
    "source_of",
]
