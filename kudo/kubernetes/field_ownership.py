"""Field ownership in server-side apply: the fields that an apply leaves to other managers or takes over from KUDO.

The API records a set of fields for each manager that writes an object. An apply owns every field of its manifest,
whoever managed it before, because a package is authoritative; the exception are replicas that an autoscaler sets.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from kudo.model.annotations import LAST_APPLIED
from kudo.model.base import Manifest
from kudo.model.objects import Object

FIELD_MANAGER = "kudo"


def conflicts(status: Object) -> list[str]:
    """Return the fields that others manage, from the response to an apply without force."""
    causes = status.children("details", "causes")
    return [cause.text("field") for cause in causes if cause.text("reason") == "FieldManagerConflict"]


def may_be_scaled(item: Object) -> bool:
    """Whether an autoscaler may scale an object; none acts on an object with zero replicas."""
    return item.integer("spec", "replicas") > 0


def is_scaled_by(item: Object, autoscalers: Iterable[Object]) -> bool:
    """Whether one of the HorizontalPodAutoscalers sets the replicas of an object."""
    return any(
        (target.group, target.kind, target.text("name")) == (item.group, item.kind, item.name)
        for target in (autoscaler.child("spec", "scaleTargetRef") for autoscaler in autoscalers)
    )


def with_replicas(item: Object, replicas: int | None) -> Object:
    """Return the object with other replicas, or without the field."""
    spec = {key: value for key, value in item.child("spec").manifest.items() if key != "replicas"}
    field = {} if replicas is None else {"replicas": replicas}
    return Object({**item.manifest, "spec": {**spec, **field}})


def take_over(applied: Object) -> Manifest | None:
    """Return the patch that takes over the fields that KUDO applied client-side; None without any.

    KUDO's entries are those that contain its annotation, under any manager name. Only the fields in that annotation are
    taken over, because others may write under the same name. Without the patch, a field that a manifest no longer sets
    would stay, because another manager would still own it.
    """
    entries = applied.children("metadata", "managedFields")
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    if ours is None:
        return None
    fields: Manifest = copy.deepcopy(ours.child("fieldsV1").manifest)
    managed: list[Any] = []
    for entry in (entry for entry in entries if entry is not ours):
        wanted = _last_applied(applied) if _is_kudos(entry) else None
        if wanted is not None:
            taken, left = _split(entry.child("fieldsV1").manifest, wanted)
            _unite(fields, taken)
            managed += [{**entry.manifest, "fieldsV1": left}] if left else []
        else:
            managed.append(entry.manifest)
    if len(managed) == len(entries) - 1 and fields == ours.child("fieldsV1").manifest:
        return None
    managed.append({**ours.manifest, "fieldsV1": fields})
    return {"metadata": {"managedFields": managed, "resourceVersion": applied.resource_version}}


def take_over_fields(live: Object, paths: Iterable[tuple[str, ...]]) -> Manifest | None:
    """Return the patch that takes over fields from all managers; None if no other one has them."""
    before = [entry.manifest for entry in live.children("metadata", "managedFields")]
    entries = copy.deepcopy(before)
    ours = next((entry for entry in entries if _is_ours(Object(entry))), None)
    if ours is None:
        manager = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": live.api_version}
        ours = {**manager, "fieldsType": "FieldsV1", "fieldsV1": {}}
        entries.append(ours)
    for path in paths:
        for entry in entries:
            _remove(entry["fieldsV1"], path)
        _add(ours["fieldsV1"], path)
    managed = [entry for entry in entries if entry["fieldsV1"]]
    if managed == before:
        return None
    return {"metadata": {"managedFields": managed, "resourceVersion": live.resource_version}}


def _remove(fields: Manifest, path: tuple[str, ...]) -> None:
    """Remove a field and those below it, and the sets that become empty."""
    key, below = path[0], path[1:]
    if below and key in fields:
        _remove(fields[key], below)
    if key in fields and (not below or not fields[key]):
        del fields[key]


def _add(fields: Manifest, path: tuple[str, ...]) -> None:
    for key in path:
        fields = fields.setdefault(key, {})


def _is_ours(entry: Object) -> bool:
    return (entry.text("manager"), entry.text("operation"), entry.text("subresource")) == (FIELD_MANAGER, "Apply", "")


def _is_kudos(entry: Object) -> bool:
    annotated = entry.has("fieldsV1", "f:metadata", "f:annotations", f"f:{LAST_APPLIED}")
    return annotated and entry.text("operation") == "Update" and not entry.text("subresource")


def _last_applied(applied: Object) -> Manifest | None:
    """Return the manifest that KUDO applied last, with the annotation that records it."""
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
    """Return the fields that a manifest has, and those that it does not have."""
    taken: Manifest = {}
    left: Manifest = {}
    for key, below in fields.items():
        found, part = _part(key, manifest)
        ours, others = _split(below, part) if below else ({}, {})
        if found and (ours or not below):
            taken[key] = ours
        if not found or others:
            left[key] = others if found else below
    return taken, left


def _part(key: str, manifest: Any) -> tuple[bool, Any]:
    """Return whether a manifest has the key of a set of fields, and its part at that key."""
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
