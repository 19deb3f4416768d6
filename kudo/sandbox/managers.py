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
        identity = (self.manager, self.operation, self.subresource)
        return version and identity == (other.manager, other.operation, other.subresource)

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


def record_update(old: Object, new: Object, writer: Entry, custom: bool) -> None:
    """Make `writer` the only owner of the fields that `new` adds or changes; no entry keeps a deleted field."""
    before, after = dict(leaves(tracked(old), custom)), dict(leaves(tracked(new), custom))
    changed = frozenset(path for path in after if path not in before or before[path] != after[path])
    deleted = before.keys() - after.keys()
    if not changed and not deleted:
        return
    kept = [
        entry.owning(entry.fields - deleted if entry.is_same_manager(writer) else entry.fields - deleted - changed)
        for entry in entries_of(new)
    ]
    write(new, list(_with_more(kept, writer, changed)))


def _with_more(entries: list[Entry], writer: Entry, fields: frozenset[Path]) -> Iterator[Entry]:
    found = False
    for entry in entries:
        is_writer = entry.is_same_manager(writer)
        found = found or is_writer
        yield entry.owning(entry.fields | fields) if is_writer else entry
    if not found:
        yield writer.owning(fields)
