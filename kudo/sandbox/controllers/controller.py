"""What all controllers share."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from kudo.sandbox.api import Api, Options, Target
from kudo.sandbox.deletion import DeleteOptions, delete
from kudo.sandbox.objects import Object, clone, dig, name_of, owners_of
from kudo.sandbox.store import Change, Ref

ROLLOUT = "sandbox.kudo.dev/rollout"

_OPTIONS = Options(manager="kube-controller-manager")


class Controller:
    """Brings the objects of some resources towards what they ask for."""

    keys: ClassVar[tuple[str, ...]] = ()

    def __init__(self, api: Api, rollout: float) -> None:
        self.api = api
        self.store = api.store
        self.rollout = rollout

    def affected(self, change: Change) -> Iterator[Ref]:
        """Which objects a change concerns: by default itself and its owners."""
        if change.ref[0] in self.keys:
            yield change.ref
        for owner in owners_of(change.object):
            ref = self.store.ref(owner["uid"])
            if ref is not None and ref[0] in self.keys:
                yield ref

    def reconcile(self, ref: Ref) -> float | None:
        """Do what is to be done for an object; returns in how many seconds to look again."""
        raise NotImplementedError

    def create(self, key: str, obj: Object) -> Object:
        """Create an object. ApiError as the API has it."""
        resource = self.api.registry.at(key)
        target = Target(resource, dig(obj, "metadata", "namespace", default=""))
        return self.api.create(target, obj, _OPTIONS)

    def update(self, ref: Ref, change: Callable[[Object], Object], subresource: str = "") -> Object:
        """Change an object."""
        return self.api.update(self.api.target(ref, subresource), change, _OPTIONS)

    def set_status(self, ref: Ref, status: Object) -> None:
        """Replace the status of an object. What counts nothing is left out, as the real one does."""
        kept = {key: value for key, value in status.items() if value not in (0, None, "", [])}
        self.update(ref, lambda obj: obj | {"status": kept}, "status")

    def delete(self, ref: Ref) -> None:
        """Delete an object in the background."""
        delete(self.api, self.api.target(ref), DeleteOptions("Background"))

    def live(self, ref: Ref) -> Object | None:
        """A copy of the object unless it is gone or going."""
        obj = self.store.get(ref)
        return None if obj is None or dig(obj, "metadata", "deletionTimestamp") else clone(obj)

    def mode(self, obj: Object) -> str:
        """What the nearest annotation says about roll-outs: on the object or else on what controls it."""
        own = dig(obj, "metadata", "annotations", ROLLOUT)
        if own is not None:
            return str(own)
        owner = next((item for item in owners_of(obj) if item.get("controller")), None)
        above = self.store.by_uid(owner["uid"]) if owner else None
        return self.mode(above) if above is not None else ""


def ref_of(key: str, obj: Object) -> Ref:
    """Where an object is."""
    return (key, dig(obj, "metadata", "namespace", default=""), name_of(obj))
