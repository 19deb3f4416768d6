"""The garbage collector: deletes objects whose owners do not exist any more."""

from collections.abc import Iterator

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.deletion import FOREGROUND, DeleteOptions, delete
from kudo.sandbox.objects import Object, dig, owners_of, uid_of
from kudo.sandbox.store import Change, Ref


class Garbage(Controller):
    """Deletes the dependents of deleted objects, and of objects in foreground deletion."""

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the object itself; if it was deleted, its dependents and its owners, which may wait for that."""
        if change.type != "DELETED":
            if owners_of(change.object) or _is_in_foreground_deletion(change.object):
                yield change.ref
            return
        for ref, _ in self.store.dependents(uid_of(change.object)):
            yield ref
        for owner in owners_of(change.object):
            if owner_ref := self.store.ref(owner["uid"]):
                yield owner_ref

    def reconcile(self, ref: Ref) -> float | None:
        """Delete an object without existing owners, or the dependents of one in foreground deletion."""
        obj = self.store.get(ref)
        if obj is None:
            return None
        if _is_in_foreground_deletion(obj):
            self._delete_dependents(ref, obj)
        elif owners_of(obj) and not dig(obj, "metadata", "deletionTimestamp"):
            self._check_owners(ref, obj)
        return None

    def _check_owners(self, ref: Ref, obj: Object) -> None:
        owners = owners_of(obj)
        existing = [owner for owner in owners if self.store.by_uid(owner["uid"]) is not None]
        if not existing:
            self.delete(ref)
        elif len(existing) < len(owners):
            self._keep_owners(ref, existing)

    def _delete_dependents(self, ref: Ref, owner: Object) -> None:
        uid = uid_of(owner)
        for dependent_ref, dependent in self.store.dependents(uid):
            others = [item for item in owners_of(dependent) if item["uid"] != uid and self._is_solid(item)]
            if others:
                self._keep_owners(dependent_ref, others)
            elif not dig(dependent, "metadata", "deletionTimestamp"):
                delete(self.api, self.api.target(dependent_ref), DeleteOptions("Foreground"))
        if not any(_blocks(dependent, uid) for _, dependent in self.store.dependents(uid)):
            self.update(ref, _without_finalizer)

    def _is_solid(self, reference: Object) -> bool:
        owner = self.store.by_uid(reference["uid"])
        return owner is not None and not _is_in_foreground_deletion(owner)

    def _keep_owners(self, ref: Ref, owners: list[Object]) -> None:
        self.update(ref, lambda obj: obj | {"metadata": obj["metadata"] | {"ownerReferences": owners}})


def _is_in_foreground_deletion(obj: Object) -> bool:
    deleted = dig(obj, "metadata", "deletionTimestamp")
    return bool(deleted) and FOREGROUND in dig(obj, "metadata", "finalizers", default=[])


def _blocks(dependent: Object, uid: str) -> bool:
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners_of(dependent))


def _without_finalizer(obj: Object) -> Object:
    finalizers = [item for item in obj["metadata"]["finalizers"] if item != FOREGROUND]
    return obj | {"metadata": obj["metadata"] | {"finalizers": finalizers}}
