"""The garbage collector: what belongs to nobody any more is deleted."""

from collections.abc import Iterator

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.deletion import FOREGROUND, DeleteOptions, delete
from kudo.sandbox.objects import Object, dig, owners_of, uid_of
from kudo.sandbox.store import Change, Ref


class Garbage(Controller):
    """Deletes dependents of what is gone, or of what waits for them to go first."""

    def affected(self, change: Change) -> Iterator[Ref]:
        """The object itself, what depends on it when it is gone, and owners that wait for its end."""
        if change.type != "DELETED":
            if owners_of(change.object) or _waits(change.object):
                yield change.ref
            return
        for ref, _ in self.store.dependents(uid_of(change.object)):
            yield ref
        for owner in owners_of(change.object):
            if ref_of_owner := self.store.ref(owner["uid"]):
                yield ref_of_owner

    def reconcile(self, ref: Ref) -> float | None:
        """Delete the object if its owners are gone; help it to its end if it waits for its dependents."""
        obj = self.store.get(ref)
        if obj is None:
            return None
        if _waits(obj):
            self._advance(ref, obj)
        elif owners_of(obj) and not dig(obj, "metadata", "deletionTimestamp"):
            self._check_owners(ref, obj)
        return None

    def _check_owners(self, ref: Ref, obj: Object) -> None:
        owners = owners_of(obj)
        alive = [owner for owner in owners if self.store.by_uid(owner["uid"]) is not None]
        if not alive:
            self.delete(ref)
        elif len(alive) < len(owners):
            self._keep_owners(ref, alive)

    def _advance(self, ref: Ref, owner: Object) -> None:
        uid = uid_of(owner)
        for where, dependent in self.store.dependents(uid):
            others = [item for item in owners_of(dependent) if item["uid"] != uid and self._lasts(item)]
            if others:
                self._keep_owners(where, others)
            elif not dig(dependent, "metadata", "deletionTimestamp"):
                delete(self.api, self.api.target(where), DeleteOptions("Foreground"))
        if not any(_blocks(dependent, uid) for _, dependent in self.store.dependents(uid)):
            self.update(ref, _without_finalizer)

    def _lasts(self, reference: Object) -> bool:
        owner = self.store.by_uid(reference["uid"])
        return owner is not None and not _waits(owner)

    def _keep_owners(self, ref: Ref, owners: list[Object]) -> None:
        self.update(ref, lambda obj: obj | {"metadata": obj["metadata"] | {"ownerReferences": owners}})


def _waits(obj: Object) -> bool:
    going = dig(obj, "metadata", "deletionTimestamp")
    return bool(going) and FOREGROUND in dig(obj, "metadata", "finalizers", default=[])


def _blocks(dependent: Object, uid: str) -> bool:
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners_of(dependent))


def _without_finalizer(obj: Object) -> Object:
    finalizers = [item for item in obj["metadata"]["finalizers"] if item != FOREGROUND]
    return obj | {"metadata": obj["metadata"] | {"finalizers": finalizers}}
