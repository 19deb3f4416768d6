"""Patches: JSON patch, merge patch and strategic merge patch."""

from collections.abc import Callable
from typing import Any

from kudo.sandbox import lists
from kudo.sandbox.objects import Object, clone
from kudo.sandbox.status import ApiError, bad_request


def merge_patch(value: Any, patch: Any) -> Any:
    """Return a value with a merge patch (RFC 7386) applied: maps are merged, null removes, other values replace."""
    if not isinstance(patch, dict):
        return clone(patch)
    merged = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), item)
    return merged


def json_patch(value: Any, operations: Any) -> Any:
    """Return a value with a JSON patch (RFC 6902) applied; supports add, remove, replace and test.

    Raises ApiError 400 if the patch is not a list, 422 if an operation fails.
    """
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    root = {"": clone(value)}
    for operation in operations:
        try:
            _operate(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            message = f"the server rejected our request due to an error in our request: {error}"
            raise ApiError(422, "Invalid", message) from error
    return root[""]


def _operate(root: Object, operation: Object) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")]
    holder: Any = root
    for step in steps[:-1]:
        holder = holder[_index(holder, step)]
    _OPERATIONS[operation["op"]](holder, _index(holder, steps[-1]), operation.get("value"))


def _index(holder: Any, step: str) -> Any:
    if isinstance(holder, list):
        return len(holder) if step == "-" else int(step)
    return step


def _add(holder: Any, key: Any, value: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, clone(value))
    else:
        holder[key] = clone(value)


def _remove(holder: Any, key: Any, _: Any) -> None:
    del holder[key]


def _replace(holder: Any, key: Any, value: Any) -> None:
    _ = holder[key]  # raises if it does not exist
    holder[key] = clone(value)


def _test(holder: Any, key: Any, value: Any) -> None:
    if holder[key] != value:
        raise ValueError(f"testing value {key} failed")


_OPERATIONS: dict[str, Callable[[Any, Any, Any], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
}


def strategic_merge(value: Any, patch: Any) -> Any:
    """Return a value with a strategic merge patch applied: lists with a merge key are merged item by item."""
    if not isinstance(patch, dict):
        return clone(patch)
    if patch.get("$patch") == "replace":
        return clone({key: item for key, item in patch.items() if key != "$patch"})
    merged = dict(value) if isinstance(value, dict) else {}
    for key in [key for key in merged if key not in patch.get("$retainKeys", merged)]:
        del merged[key]
    for key, item in patch.items():
        _merge_field(merged, key, item)
    return merged


def _merge_field(merged: Object, key: str, item: Any) -> None:
    if key.startswith("$deleteFromPrimitiveList/"):
        field = key.partition("/")[2]
        merged[field] = [kept for kept in merged.get(field, ()) if kept not in item]
    elif key.startswith("$"):
        pass  # directives for the order of elements, which the sandbox does not keep
    elif item is None or (isinstance(item, dict) and item.get("$patch") == "delete"):
        merged.pop(key, None)
    elif isinstance(item, list):
        merged[key] = _merge_list(merged.get(key) or [], item, key)
    else:
        merged[key] = strategic_merge(merged.get(key), item)


def _merge_list(value: list[Any], patch: list[Any], field: str) -> list[Any]:
    items = [item for item in patch if not (isinstance(item, dict) and item.keys() == {"$patch"})]
    if len(items) < len(patch):
        return clone(items)  # {"$patch": "replace"} among them
    if lists.is_set(field, items):
        return value + [item for item in items if item not in value]
    key = (lists.keys_of(field, items, custom=False) or ("",))[0]
    if not key or not all(isinstance(item, dict) for item in value):
        return clone(items)
    merged = {lists.item_key(item, (key,)): item for item in value}
    for item in items:
        found = lists.item_key(item, (key,))
        if item.get("$patch") == "delete":
            merged.pop(found, None)
        else:
            merged[found] = strategic_merge(merged.get(found), item)
    return list(merged.values())
