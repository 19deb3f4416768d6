"""Kubernetes objects as plain dictionaries, with helpers to read and change them."""

import hashlib
import json
import random
from datetime import UTC, datetime
from typing import Any, TypeVar

Object = dict[str, Any]
T = TypeVar("T")


def clone(value: T) -> T:
    """Return a deep copy of plain JSON data."""
    # copy.deepcopy is several times slower, because it handles cycles and classes.
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [clone(item) for item in value]  # type: ignore[return-value]
    return value


def dig(value: Any, *path: str | int, default: Any = None) -> Any:
    """Return the value at a path, or the default if any step is missing or null."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return default
    return default if value is None else value


def now() -> str:
    """Return the current time in the format of `metav1.Time`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def suffix(length: int = 5) -> str:
    """Return a random suffix like those that `generateName` appends."""
    # No vowels, as in Kubernetes, so that no suffix is a bad word.
    return "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=length))


def digest(value: Any, length: int = 10) -> str:
    """Return a short stable hash of plain JSON data, valid in a name."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def name_of(obj: Object) -> str:
    """Return `metadata.name`, or an empty string."""
    return str(dig(obj, "metadata", "name", default=""))


def namespace_of(obj: Object) -> str:
    """Return `metadata.namespace`, or an empty string for a cluster-scoped object."""
    return str(dig(obj, "metadata", "namespace", default=""))


def uid_of(obj: Object) -> str:
    """Return `metadata.uid`, or an empty string."""
    return str(dig(obj, "metadata", "uid", default=""))


def owners_of(obj: Object) -> list[Object]:
    """Return the owner references."""
    owners: list[Object] = dig(obj, "metadata", "ownerReferences", default=[])
    return owners


def owner_reference(owner: Object) -> Object:
    """Return a controller reference to an owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Object, kind: str) -> Object:
    """Return the status condition of a type, or an empty object."""
    conditions: list[Object] = dig(obj, "status", "conditions", default=[])
    return next((item for item in conditions if item.get("type") == kind), {})


def with_condition(conditions: list[Object], kind: str, status: bool, **extra: str) -> list[Object]:
    """Return the conditions with this one set; its transition time changes only if its status does."""
    value = "True" if status else "False"
    old = next((item for item in conditions if item["type"] == kind), {})
    changed = old.get("status") != value
    time = now() if changed else old["lastTransitionTime"]
    new = {"type": kind, "status": value, "lastTransitionTime": time, **extra}
    return [item for item in conditions if item["type"] != kind] + [new]
