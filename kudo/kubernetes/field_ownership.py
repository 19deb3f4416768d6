"""Whose fields are whose: what an apply leaves to others, and what it takes over from KUDO.

Server-side apply keeps a set of fields for everybody who writes an object. What a manifest says becomes ours, whoever
had it, because a package means what it says; the one exception are the replicas that an autoscaler sets.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from kudo.model.annotations import LAST_APPLIED
from kudo.model.base import Manifest
from kudo.model.objects import Object

FIELD_MANAGER = "kudo"

PATCHER = "kudo-patch"
"""Who patches what no apply can change, until that is ours."""


def conflicts(status: Object) -> list[str]:
    """The fields that others manage, of the answer to an apply that takes nothing from others."""
    causes = status.children("details", "causes")
    return [cause.text("field") for cause in causes if cause.text("reason") == "FieldManagerConflict"]


def may_be_scaled(item: Object) -> bool:
    """Whether an autoscaler may have a say in an object; none acts on what is to have no replicas at all."""
    return item.integer("spec", "replicas") > 0


def is_scaled_by(item: Object, autoscalers: Iterable[Object]) -> bool:
    """Whether one of the HorizontalPodAutoscalers sets the replicas of an object."""
    return any(
        (target.group, target.kind, target.text("name")) == (item.group, item.kind, item.name)
        for target in (autoscaler.child("spec", "scaleTargetRef") for autoscaler in autoscalers)
    )


def with_replicas(item: Object, replicas: int | None) -> Object:
    """The object with other replicas, or with none said."""
    spec = {key: value for key, value in item.child("spec").manifest.items() if key != "replicas"}
    own = {} if replicas is None else {"replicas": replicas}
    return Object({**item.manifest, "spec": {**spec, **own}})


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

    KUDO's entries are those that have its annotation, whatever they are called; of them only what the annotation says
    that it applied, because others may write under the same name. Without the patch, a field that a manifest drops
    would stay for ever, because somebody would still manage it.
    """
    entries = applied.children("metadata", "managedFields")
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    if ours is None:
        return None
    fields: Manifest = copy.deepcopy(ours.child("fieldsV1").manifest)
    managed: list[Any] = []
    for entry in (entry for entry in entries if entry is not ours):
        wanted = _last_applied(applied) if _is_kudos(entry) else None
        if entry.text("manager") == PATCHER:
            _unite(fields, entry.child("fieldsV1").manifest)
        elif wanted is not None:
            taken, left = _split(entry.child("fieldsV1").manifest, wanted)
            _unite(fields, taken)
            managed += [{**entry.manifest, "fieldsV1": left}] if left else []
        else:
            managed.append(entry.manifest)
    if len(managed) == len(entries) - 1 and fields == ours.child("fieldsV1").manifest:
        return None
    managed.append({**ours.manifest, "fieldsV1": fields})
    return {"metadata": {"managedFields": managed, "resourceVersion": applied.resource_version}}


def _is_ours(entry: Object) -> bool:
    return (entry.text("manager"), entry.text("operation"), entry.text("subresource")) == (FIELD_MANAGER, "Apply", "")


def _is_kudos(entry: Object) -> bool:
    annotated = entry.has("fieldsV1", "f:metadata", "f:annotations", f"f:{LAST_APPLIED}")
    return annotated and entry.text("operation") == "Update" and not entry.text("subresource")


def _last_applied(applied: Object) -> Manifest | None:
    """The manifest that KUDO applied last, and that it noted that."""
    try:
        manifest = json.loads(applied.annotations.get(LAST_APPLIED, ""))
    except ValueError:
        return None
    if not isinstance(manifest, dict):
        return None
    metadata = manifest.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), LAST_APPLIED: ""}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _split(fields: Manifest, manifest: Any) -> tuple[Manifest, Manifest]:
    """The fields that a manifest has, and those that it has not."""
    taken: Manifest = {}
    left: Manifest = {}
    for key, below in fields.items():
        there, part = _part(key, manifest)
        ours, others = _split(below, part) if below else ({}, {})
        if there and (ours or not below):
            taken[key] = ours
        if not there or others:
            left[key] = others if there else below
    return taken, left


def _part(key: str, manifest: Any) -> tuple[bool, Any]:
    """What a manifest has at a key of a set of fields, and whether it has it."""
    kind, _, name = key.partition(":")
    if kind == "f" and isinstance(manifest, Mapping):
        return name in manifest, manifest.get(name)
    if kind == "k" and isinstance(manifest, list):
        keys = json.loads(name)
        # A key that the API fills in may be missing in the manifest.
        found = [item for item in manifest if isinstance(item, Mapping) and _fits(item, keys)]
        return bool(found), found[0] if found else None
    if kind == "v" and isinstance(manifest, list):
        return json.loads(name) in manifest, None
    return key == ".", None


def _fits(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return any(key in item for key in keys) and all(item.get(key, value) == value for key, value in keys.items())


def _unite(fields: Manifest, more: Manifest) -> None:
    for key, value in more.items():
        _unite(fields.setdefault(key, {}), value)
