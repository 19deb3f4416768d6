"""Which lists are merged item by item, and which maps are taken as a whole.

The real server reads this from its schemas. Here it goes by the name of the field, and only for built-in
kinds: a CRD's lists are atomic unless its schema says otherwise, and schemas are not looked at.
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
    """Whether a map of that name has one owner as a whole."""
    return field in _ATOMIC_MAPS and not custom


def keys_of(field: str, items: Sequence[Any], custom: bool) -> tuple[str, ...]:
    """The fields that tell the items of a list apart; none for an atomic list."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ()
    keys = _candidates(field, items, custom)
    found = [item_key(item, keys) for item in items]
    # Duplicates cannot be told apart, so such a list stays in one piece.
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
    """The path element for an item, like `k:{"name":"web"}`; None where a key field is missing."""
    values = {key: item.get(key, _DEFAULTS.get(key)) for key in keys}
    if None in values.values():
        return None
    return "k:" + json.dumps(values, sort_keys=True, separators=(",", ":"))


def is_set(field: str, items: Sequence[Any]) -> bool:
    """Whether a list is a set of texts, each with its own owners."""
    return field == "finalizers" and bool(items) and all(isinstance(item, str) for item in items)
