"""Sets of fields, as `metadata.managedFields` records them (fieldsV1)."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kudo.sandbox import lists
from kudo.sandbox.objects import Object

Path = tuple[str, ...]  # of elements like f:spec, k:{"name":"web"} or v:"text"

ITEM = object()  # the value of a list item as such, apart from its fields

_UNTRACKED = frozenset(
    [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
        "selfLink",
    ]
)


def tracked(obj: Object) -> Object:
    """Return the object without the fields that no manager can own."""
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _UNTRACKED}
    rest = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    return rest | ({"metadata": metadata} if metadata else {})


def leaves(value: Any, custom: bool, path: Path = (), field: str = "") -> Iterator[tuple[Path, Any]]:
    """Yield the fields that can be owned one by one, with their values."""
    if isinstance(value, dict) and value and not lists.is_atomic(field, custom):
        for key, item in value.items():
            yield from leaves(item, custom, (*path, f"f:{key}"), key)
    elif isinstance(value, list) and lists.is_set(field, value):
        yield from (((*path, f"v:{json.dumps(item)}"), ITEM) for item in value)
    elif isinstance(value, list) and (keys := lists.keys_of(field, value, custom)):
        for item in value:
            item_path = (*path, str(lists.item_key(item, keys)))
            yield item_path, ITEM
            yield from leaves(item, custom, item_path)
    elif path:
        yield path, value


def to_tree(paths: Iterable[Path]) -> Object:
    """Return a set of fields in the form of `fieldsV1`."""
    tree: Object = {}
    for path in sorted(paths):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_lone_dots(tree)


def _without_lone_dots(tree: Object) -> Object:
    return {
        key: {} if value.keys() == {"."} else _without_lone_dots(value) if value else {} for key, value in tree.items()
    }


def from_tree(tree: Object, path: Path = ()) -> Iterator[Path]:
    """Yield the fields of a `fieldsV1`."""
    for key, value in tree.items():
        if key == ".":
            yield path
        elif value:
            yield from from_tree(value, (*path, key))
        else:
            yield (*path, key)


def is_key_field(path: Path) -> bool:
    """Whether a field is part of the key of its list item."""
    item, field = path[-2:] if len(path) > 1 else ("", "")
    return item.startswith("k:") and field.removeprefix("f:") in json.loads(item[2:])


def remove(obj: Any, path: Path) -> None:
    """Remove a field from an object, and the containers that become empty."""
    element, rest = path[0], path[1:]
    key = _position(obj, element)
    if key is None:
        return
    if rest:
        remove(obj[key], rest)
    if not rest or obj[key] in ({}, []):
        del obj[key]


def _position(obj: Any, element: str) -> Any:
    kind, _, text = element.partition(":")
    if kind == "f":
        return text if isinstance(obj, dict) and text in obj else None
    if not isinstance(obj, list):
        return None
    if kind == "v":
        return next((at for at, item in enumerate(obj) if item == json.loads(text)), None)
    keys = json.loads(text).keys()
    return next((at for at, item in enumerate(obj) if lists.item_key(item, tuple(keys)) == element), None)


def spell(path: Path) -> str:
    """Return a path in the form of messages, like `.spec.containers[name="web"].image`."""
    return "".join(_spell(element) for element in path)


def _spell(element: str) -> str:
    kind, _, text = element.partition(":")
    if kind == "f":
        return f".{text}"
    if kind == "v":
        return f"[={text}]"
    keys = json.loads(text)
    return f"[{','.join(f'{key}={json.dumps(value)}' for key, value in keys.items())}]"
