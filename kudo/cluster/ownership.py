"""Whose fields are whose: what an apply leaves to others, and what it takes over from KUDO.

Server-side apply keeps a set of fields for everybody who writes an object. What a manifest says becomes ours, whoever
had it, because a package means what it says; the one exception are the replicas that an autoscaler sets.
"""

import copy
from typing import Any

from kudo.model.base import Manifest
from kudo.model.objects import Object

FIELD_MANAGER = "kudo"

PATCHER = "kudo-patch"
"""Who patches what no apply can change, until that is ours."""

LAST_APPLIED = "kudo.dev/last-applied-configuration"
"""Where KUDO kept the manifest that it applied last, to find out the next time what was dropped from it."""

_REPLICAS = ".spec.replicas"
_SCALE = 'with subresource "scale"'
_PEOPLE = 'conflict with "kubectl'
"""Who scales by hand sets what holds until the next plan; an autoscaler would set it again and again."""


def conflicts(status: Object) -> list[Object]:
    """The fields that others manage, of the answer to an apply that takes nothing from others."""
    causes = status.children("details", "causes")
    return [cause for cause in causes if cause.text("reason") == "FieldManagerConflict"]


def leave_to_autoscaler(item: Object, found: list[Object]) -> Object:
    """The object, without replicas where an autoscaler has set them to something else."""
    if not any(_is_autoscaler(conflict) for conflict in found):
        return item
    spec = {key: value for key, value in item.child("spec").manifest.items() if key != "replicas"}
    return Object({**item.manifest, "spec": spec})


def _is_autoscaler(conflict: Object) -> bool:
    who = conflict.text("message")
    return conflict.text("field") == _REPLICAS and _SCALE in who and not who.startswith(_PEOPLE)


_STRATEGIES = {"Deployment": "strategy", "StatefulSet": "updateStrategy"}


def drop_rolling_update(item: Object, refusal: Object) -> Manifest | None:
    """The patch before which the API refuses another strategy; None where something else is in the way.

    It has filled in how to roll out, and nobody manages that, so no apply can drop it.
    """
    field = _STRATEGIES.get(item.kind, "")
    refused = [cause.text("field") for cause in refusal.children("details", "causes")]
    if refused != [f"spec.{field}.rollingUpdate"] or item.has("spec", field, "rollingUpdate"):
        return None
    return {"spec": {field: {"type": item.text("spec", field, "type"), "rollingUpdate": None}}}


def take_over(applied: Object) -> Manifest | None:
    """The patch after which all is ours that KUDO applied client-side, or we patched; None where there is nothing.

    KUDO's entries are those that have its annotation, whatever they are called. Without the patch, a field that a
    manifest drops would stay for ever, because somebody would still manage it.
    """
    entries = applied.children("metadata", "managedFields")
    others = [entry for entry in entries if _is_to_be_ours(entry)]
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    if not others or ours is None:
        return None
    fields: Manifest = copy.deepcopy(ours.child("fieldsV1").manifest)
    for entry in others:
        _unite(fields, entry.child("fieldsV1").manifest)
    kept = [entry.manifest for entry in entries if entry not in (*others, ours)]
    managed: list[Any] = [*kept, {**ours.manifest, "fieldsV1": fields}]
    return {"metadata": {"managedFields": managed, "resourceVersion": applied.resource_version}}


def _is_ours(entry: Object) -> bool:
    return (entry.text("manager"), entry.text("operation"), entry.text("subresource")) == (FIELD_MANAGER, "Apply", "")


def _is_to_be_ours(entry: Object) -> bool:
    if entry.text("operation") != "Update" or entry.text("subresource"):
        return False
    by_kudo = entry.has("fieldsV1", "f:metadata", "f:annotations", f"f:{LAST_APPLIED}")
    return by_kudo or entry.text("manager") == PATCHER


def _unite(fields: Manifest, more: Manifest) -> None:
    for key, value in more.items():
        _unite(fields.setdefault(key, {}), value)
