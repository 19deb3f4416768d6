"""The merge keys of lists, and the atomic maps.

The API server has them in its schemas. The sandbox has them by the name of the field, for built-in kinds only: lists of
custom resources are atomic, because the schemas of CRDs, which may declare keys, are not read.
"""

import json
from collections.abc import Sequence
from typing import Any

from kudo.sandbox.objects import Object

_KEYED = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "conditions": ("type",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_ATOMIC_MAPS = frozenset(
    [
        "selector",
        "nodeSelector",
        "labelSelector",
        "podSelector",
        "namespaceSelector",
        "fieldRef",
        "resourceFieldRef",
        "configMapKeyRef",
        "secretKeyRef",
        "scaleTargetRef",
        "roleRef",
        "claimRef",
    ]
)
_DEFAULTS = {"protocol": "TCP"}


def is_atomic(field: str, custom: bool) -> bool:
    """Whether the map in a field is atomic: it has one owner as a whole."""
    return field in _ATOMIC_MAPS and not custom


def keys_of(field: str, items: Sequence[Any], custom: bool) -> tuple[str, ...]:
    """Return the fields whose values identify the items of a list; none if the list is atomic."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ()
    keys = _candidates(field, items, custom)
    found = [item_key(item, keys) for item in items]
    # A list with duplicate keys cannot be merged item by item, so it is atomic.
    return keys if keys and None not in found and len(set(found)) == len(found) else ()


def _candidates(field: str, items: Sequence[Object], custom: bool) -> tuple[str, ...]:
    if field == "ownerReferences":
        return ("uid",)
    if custom:
        return ()
    if field == "ports":
        if all("containerPort" in item for item in items):
            return ("containerPort", "protocol")
        return ("port", "protocol")
    return _KEYED.get(field, ())


def item_key(item: Object, keys: Sequence[str]) -> str | None:
    """Return the path element of an item, like `k:{"name":"web"}`, or None if a key field is missing."""
    values = {key: item.get(key, _DEFAULTS.get(key)) for key in keys}
    if None in values.values():
        return None
    return "k:" + json.dumps(values, sort_keys=True, separators=(",", ":"))


def is_set(field: str, items: Sequence[Any]) -> bool:
    """Whether a list is a set of strings, each with its own owners."""
    return field == "finalizers" and bool(items) and all(isinstance(item, str) for item in items)
