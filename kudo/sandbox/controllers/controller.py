"""The base class of the controllers."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from kudo.sandbox.api import Api, Options, Target
from kudo.sandbox.deletion import DeleteOptions, delete
from kudo.sandbox.objects import Object, clone, dig, name_of, owners_of
from kudo.sandbox.store import Change, Ref

ROLLOUT_ANNOTATION = "sandbox.kudo.dev/rollout"
"""Selects how pods roll out: hang, fail, image (cannot be pulled), or the seconds until they run."""

_OPTIONS = Options(manager="kube-controller-manager")


class Controller:
    """Moves the objects of some resources towards their desired state."""

    keys: ClassVar[tuple[str, ...]] = ()
    """Keys of the resources."""

    def __init__(self, api: Api, rollout_seconds: float) -> None:
        self.api = api
        self.store = api.store
        self.rollout_seconds = rollout_seconds

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the objects to reconcile after a change.

        By default the object and its owners, if this controller reconciles their kind.
        """
        if change.ref[0] in self.keys:
            yield change.ref
        for owner in owners_of(change.object):
            ref = self.store.ref(owner["uid"])
            if ref is not None and ref[0] in self.keys:
                yield ref

    def reconcile(self, ref: Ref) -> float | None:
        """Reconcile an object; return the seconds after which to reconcile it again, or None. Raises ApiError."""
        raise NotImplementedError

    def create(self, key: str, obj: Object) -> Object:
        """Create an object. Raises ApiError."""
        resource = self.api.registry.at(key)
        target = Target(resource, dig(obj, "metadata", "namespace", default=""))
        return self.api.create(target, obj, _OPTIONS)

    def update(self, ref: Ref, change: Callable[[Object], Object], subresource: str = "") -> Object:
        """Update an object. Raises ApiError."""
        return self.api.update(self.api.target(ref, subresource), change, _OPTIONS)

    def set_status(self, ref: Ref, status: Object) -> None:
        """Replace the status of an object. Raises ApiError.

        The status is stored without fields that are null, false, 0, an empty string or an empty list, as Kubernetes
        does.
        """
        kept = {key: value for key, value in status.items() if value not in (0, None, "", [])}
        self.update(ref, lambda obj: obj | {"status": kept}, "status")

    def delete(self, ref: Ref) -> None:
        """Delete an object with the propagation policy Background. Raises ApiError."""
        delete(self.api, self.api.target(ref), DeleteOptions("Background"))

    def live(self, ref: Ref) -> Object | None:
        """Return a copy of an object, or None if it does not exist or is being deleted."""
        obj = self.store.get(ref)
        return None if obj is None or dig(obj, "metadata", "deletionTimestamp") else clone(obj)

    def mode(self, obj: Object) -> str:
        """Return the rollout annotation of an object, or of the nearest controller that has one, or an empty string."""
        annotation = dig(obj, "metadata", "annotations", ROLLOUT_ANNOTATION)
        if annotation is not None:
            return str(annotation)
        reference = next((item for item in owners_of(obj) if item.get("controller")), None)
        owner = self.store.by_uid(reference["uid"]) if reference else None
        return self.mode(owner) if owner is not None else ""


def ref_of(key: str, obj: Object) -> Ref:
    """Return the reference of an object in the store."""
    return (key, dig(obj, "metadata", "namespace", default=""), name_of(obj))
