"""Namespaces: their initial contents and their deletion."""

from collections.abc import Iterator

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.objects import Object, dig
from kudo.sandbox.store import Change, Ref

_CONTENTS: tuple[tuple[str, Object], ...] = (
    ("serviceaccounts", {"metadata": {"name": "default"}}),
    ("configmaps", {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}}),
)


class Namespaces(Controller):
    """Creates the initial contents of namespaces, and deletes all contents of those that are being deleted."""

    keys = ("namespaces",)

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the namespace; also that of a deleted object, which may have been its last one."""
        if change.ref[0] == "namespaces" and change.type != "DELETED":
            yield change.ref
        elif change.type == "DELETED" and change.ref[1]:
            yield ("namespaces", "", change.ref[1])

    def reconcile(self, ref: Ref) -> float | None:
        """Create the initial contents, or delete all contents, and finalize the namespace when it is empty."""
        namespace = self.store.get(ref)
        if namespace is None:
            return None
        if not dig(namespace, "metadata", "deletionTimestamp"):
            self._create_contents(ref[2])
            return None
        for content, obj in self.store.contents(ref[2]):
            if self.store.get(content) is not None and not dig(obj, "metadata", "deletionTimestamp"):
                self.delete(content)
        if not any(True for _ in self.store.contents(ref[2])):
            self.update(ref, lambda obj: obj | {"spec": {"finalizers": []}}, "finalize")
        return None

    def _create_contents(self, name: str) -> None:
        for key, obj in _CONTENTS:
            if self.store.get((key, name, obj["metadata"]["name"])) is None:
                self.create(key, obj | {"metadata": obj["metadata"] | {"namespace": name}})
