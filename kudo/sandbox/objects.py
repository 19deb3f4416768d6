"""Kubernetes objects as plain dictionaries, and the few things everybody does with them."""

import hashlib
import json
import random
from datetime import UTC, datetime
from typing import Any, TypeVar

Object = dict[str, Any]
T = TypeVar("T")


def clone(value: T) -> T:
    """A deep copy of plain JSON data."""
    # copy.deepcopy is several times slower: it has to look out for cycles and classes.
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [clone(item) for item in value]  # type: ignore[return-value]
    return value


def dig(value: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path, or the default where any step is missing or null."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return default
    return default if value is None else value


def now() -> str:
    """The current time as `metav1.Time` writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def suffix(length: int = 5) -> str:
    """A random name ending of the kind `generateName` appends."""
    # No vowels, like the real one: nobody wants bad words in pod names.
    return "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=length))


def digest(value: Any, length: int = 10) -> str:
    """A short stable hash of plain JSON data, fit for a name."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def name_of(obj: Object) -> str:
    """`metadata.name`, or an empty string."""
    return str(dig(obj, "metadata", "name", default=""))


def namespace_of(obj: Object) -> str:
    """`metadata.namespace`, or an empty string for what lives in none."""
    return str(dig(obj, "metadata", "namespace", default=""))


def uid_of(obj: Object) -> str:
    """`metadata.uid`, or an empty string."""
    return str(dig(obj, "metadata", "uid", default=""))


def owners_of(obj: Object) -> list[Object]:
    """The owner references."""
    owners: list[Object] = dig(obj, "metadata", "ownerReferences", default=[])
    return owners


def owner_reference(owner: Object) -> Object:
    """The reference by which a controller marks an object as its own."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Object, kind: str) -> Object:
    """The status condition of that type, or an empty object."""
    conditions: list[Object] = dig(obj, "status", "conditions", default=[])
    return next((item for item in conditions if item.get("type") == kind), {})


def with_condition(conditions: list[Object], kind: str, status: bool, **extra: str) -> list[Object]:
    """The conditions with this one set; its transition time moves only when its status does."""
    value = "True" if status else "False"
    old = next((item for item in conditions if item["type"] == kind), {})
    moved = old.get("status") != value
    time = now() if moved else old["lastTransitionTime"]
    new = {"type": kind, "status": value, "lastTransitionTime": time, **extra}
    return [item for item in conditions if item["type"] != kind] + [new]
