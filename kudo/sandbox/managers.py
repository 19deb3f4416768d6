"""Field managers: the ownership of fields in `metadata.managedFields`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kudo.sandbox.fields import Path, from_tree, leaves, to_tree, tracked
from kudo.sandbox.objects import Object, dig, now


@dataclass(frozen=True)
class Entry:
    """An entry of `managedFields`: the fields of one manager."""

    manager: str
    operation: str  # Apply or Update
    api_version: str
    subresource: str = ""
    time: str = ""
    fields: frozenset[Path] = field(default=frozenset(), compare=False)

    def is_same_manager(self, other: "Entry") -> bool:
        """Whether two entries are of one manager; for Apply the API version may differ."""
        version = self.operation == "Apply" or self.api_version == other.api_version
        mine = (self.manager, self.operation, self.subresource)
        return version and mine == (other.manager, other.operation, other.subresource)

    def owning(self, fields: frozenset[Path]) -> "Entry":
        """Return the entry with these fields; its time changes only if they differ."""
        return self if fields == self.fields else replace(self, fields=fields, time=now())


def entries_of(obj: Object) -> list[Entry]:
    """Return the entries of an object."""
    return [
        Entry(
            manager=item.get("manager", ""),
            operation=item.get("operation", ""),
            api_version=item.get("apiVersion", ""),
            subresource=item.get("subresource", ""),
            time=item.get("time", ""),
            fields=frozenset(from_tree(item.get("fieldsV1", {}))),
        )
        for item in dig(obj, "metadata", "managedFields", default=[])
        if item
    ]


def write(obj: Object, entries: list[Entry]) -> None:
    """Write the entries that own a field to an object."""
    found = [_spelled(entry) for entry in entries if entry.fields]
    obj["metadata"].pop("managedFields", None)
    if found:
        obj["metadata"]["managedFields"] = found


def _spelled(entry: Entry) -> Object:
    spelled: Object = {
        "manager": entry.manager,
        "operation": entry.operation,
        "apiVersion": entry.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_tree(entry.fields),
    }
    return spelled | ({"subresource": entry.subresource} if entry.subresource else {})


def record_update(old: Object, new: Object, me: Entry, custom: bool) -> None:
    """Make `me` the only owner of the fields that `new` adds or changes; no entry keeps a deleted field."""
    before, after = dict(leaves(tracked(old), custom)), dict(leaves(tracked(new), custom))
    changed = frozenset(path for path in after if path not in before or before[path] != after[path])
    gone = before.keys() - after.keys()
    if not changed and not gone:
        return
    kept = [
        entry.owning(entry.fields - gone if entry.is_same_manager(me) else entry.fields - gone - changed)
        for entry in entries_of(new)
    ]
    write(new, list(_with_more(kept, me, changed)))


def _with_more(entries: list[Entry], me: Entry, fields: frozenset[Path]) -> Iterator[Entry]:
    known = False
    for entry in entries:
        mine = entry.is_same_manager(me)
        known = known or mine
        yield entry.owning(entry.fields | fields) if mine else entry
    if not known:
        yield me.owning(fields)
