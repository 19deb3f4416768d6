"""Namespaces: what every one contains, and how they end."""

from collections.abc import Iterator

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.objects import Object, dig
from kudo.sandbox.store import Change, Ref

_CONTENTS: tuple[tuple[str, Object], ...] = (
    ("serviceaccounts", {"metadata": {"name": "default"}}),
    ("configmaps", {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}}),
)


class Namespaces(Controller):
    """Furnishes namespaces and clears them out."""

    keys = ("namespaces",)

    def affected(self, change: Change) -> Iterator[Ref]:
        """The namespace; also that of anything deleted, which may have been the last thing in it."""
        if change.ref[0] == "namespaces" and change.type != "DELETED":
            yield change.ref
        elif change.type == "DELETED" and change.ref[1]:
            yield ("namespaces", "", change.ref[1])

    def reconcile(self, ref: Ref) -> float | None:
        """Furnish it, or delete what is in it, and let it go when it is empty."""
        namespace = self.store.get(ref)
        if namespace is None:
            return None
        if not dig(namespace, "metadata", "deletionTimestamp"):
            self._furnish(ref[2])
            return None
        for where, obj in self.store.contents(ref[2]):
            if self.store.get(where) is not None and not dig(obj, "metadata", "deletionTimestamp"):
                self.delete(where)
        if not any(True for _ in self.store.contents(ref[2])):
            self.update(ref, lambda obj: obj | {"spec": {"finalizers": []}}, "finalize")
        return None

    def _furnish(self, name: str) -> None:
        for key, obj in _CONTENTS:
            if self.store.get((key, name, obj["metadata"]["name"])) is None:
                self.create(key, obj | {"metadata": obj["metadata"] | {"namespace": name}})
