"""Server-side apply: the merge of an applied configuration into the live object."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kudo.sandbox import lists
from kudo.sandbox.fields import ITEM, Path, is_key_field, leaves, remove, spell, tracked
from kudo.sandbox.managers import Entry, entries_of, write
from kudo.sandbox.objects import Object, clone
from kudo.sandbox.status import ApiError


def apply(live: Object, config: Object, writer: Entry, custom: bool, force: bool) -> Object:
    """Return the live object with the applied configuration merged in, and its `managedFields` updated.

    Fields that this manager applied before, no longer applies, and that no other manager owns are removed.
    Raises ApiError 409 if another manager owns a field with a different value, unless forced.
    """
    wanted = dict(leaves(tracked(config), custom))
    entries = entries_of(live)
    current = next((entry for entry in entries if entry.is_same_manager(writer)), writer)
    others = [entry for entry in entries if entry is not current]
    overruled = _differing(wanted, dict(leaves(tracked(live), custom)))
    if not force:
        _refuse_conflicts(others, overruled)
    others = [entry.owning(entry.fields - overruled) for entry in others]
    merged: Object = merge(live, config, custom)
    _prune(merged, current.fields - wanted.keys(), others)
    write(merged, [*others, replace(current, api_version=writer.api_version).owning(frozenset(wanted))])
    return merged


def _differing(wanted: dict[Path, Any], live: dict[Path, Any]) -> frozenset[Path]:
    return frozenset(path for path, value in wanted.items() if live.get(path, ITEM) != value)


def _refuse_conflicts(others: Iterable[Entry], overruled: frozenset[Path]) -> None:
    found = [(entry, path) for entry in others for path in sorted(overruled & entry.fields)]
    if not found:
        return
    causes = [
        {"reason": "FieldManagerConflict", "message": _clash(entry), "field": spell(path)} for entry, path in found
    ]
    count = f"{len(found)} conflict{'s' if len(found) > 1 else ''}"
    message = f"Apply failed with {count}: {_summary(found)}"
    raise ApiError(409, "Conflict", message, {"causes": causes})


def _clash(entry: Entry, word: str = "conflict") -> str:
    subresource = f' with subresource "{entry.subresource}"' if entry.subresource else ""
    time = f" at {entry.time}" if entry.operation == "Update" and entry.time else ""
    return f'{word} with "{entry.manager}"{subresource} using {entry.api_version}{time}'


def _summary(found: list[tuple[Entry, Path]]) -> str:
    if len(found) == 1:
        return f"{_clash(found[0][0])}: {spell(found[0][1])}"
    by_manager: dict[str, list[str]] = {}
    for entry, path in found:
        by_manager.setdefault(_clash(entry, "conflicts"), []).append(f"- {spell(path)}")
    return "\n".join(line for clash, paths in by_manager.items() for line in (f"{clash}:", *paths))


def merge(live: Any, config: Any, custom: bool, field: str = "") -> Any:
    """Return the live value with the configuration merged in; fields that it does not mention stay."""
    if isinstance(live, dict) and isinstance(config, dict) and not lists.is_atomic(field, custom):
        merged = dict(live)
        for key, value in config.items():
            merged[key] = merge(live.get(key), value, custom, key)
        return merged
    if isinstance(live, list) and isinstance(config, list):
        return _merge_lists(live, config, custom, field)
    return clone(config)


def _merge_lists(live: list[Any], config: list[Any], custom: bool, field: str) -> list[Any]:
    if lists.is_set(field, config):
        return live + [item for item in config if item not in live]
    keys = lists.keys_of(field, config, custom)
    if not keys or keys != lists.keys_of(field, live, custom):
        return clone(config)
    wanted = {lists.item_key(item, keys): item for item in config}
    merged = [
        merge(item, wanted.pop(lists.item_key(item, keys)), custom) if lists.item_key(item, keys) in wanted else item
        for item in live
    ]
    return merged + [clone(item) for item in wanted.values()]


def _prune(merged: Object, dropped: frozenset[Path], others: list[Entry]) -> None:
    owned = {path[:length] for entry in others for path in entry.fields for length in range(1, len(path) + 1)}
    # An item is removed as a whole, before its fields; its key fields are only removed with it.
    for path in sorted(dropped - owned, key=len):
        if not is_key_field(path):
            remove(merged, path)


_STRINGS = ("data", "stringData", "labels", "annotations")


def without_nulls(value: Any, custom: bool, field: str = "") -> Any:
    """Return the configuration without nulls in its maps: as if unset, or an empty string in a map of strings."""
    if isinstance(value, dict):
        strings = field in _STRINGS and not custom
        return {
            key: "" if item is None else without_nulls(item, custom, key)
            for key, item in value.items()
            if item is not None or strings
        }
    if isinstance(value, list):
        return [without_nulls(item, custom) for item in value]
    return value
