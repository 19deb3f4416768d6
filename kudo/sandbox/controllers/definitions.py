"""CustomResourceDefinitions: established after their creation, and removed after their custom resources."""

from collections.abc import Iterator

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.objects import Object, dig, name_of, namespace_of, with_condition
from kudo.sandbox.resources import CRDS
from kudo.sandbox.store import Change, Ref

_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class Definitions(Controller):
    """Establishes CRDs, and deletes the custom resources of those that are being deleted."""

    keys = (CRDS,)

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the CRD; also that of a deleted object, which may have been its last one."""
        key = change.ref[0]
        if key == CRDS:
            yield change.ref
        elif change.type == "DELETED" and "/" in key:
            group, plural = key.split("/")
            yield (CRDS, "", f"{plural}.{group}")

    def reconcile(self, ref: Ref) -> float | None:
        """Establish a CRD, or delete its custom resources if it is being deleted."""
        crd = self.store.get(ref)
        if crd is None:
            return None
        if dig(crd, "metadata", "deletionTimestamp"):
            self._delete_resources(ref, crd)
        else:
            self._establish(ref, crd)
        return None

    def _establish(self, ref: Ref, crd: Object) -> None:
        finalizers = dig(crd, "metadata", "finalizers", default=[])
        if _CLEANUP not in finalizers:
            self._set_finalizers(ref, [*finalizers, _CLEANUP])
        conditions = dig(crd, "status", "conditions", default=[])
        if self._is_taken(crd):
            kind = crd["spec"]["names"]["kind"]
            message = f'"{kind}" is already in use'
            conditions = with_condition(conditions, "NamesAccepted", False, reason="KindConflict", message=message)
            self.set_status(ref, {"conditions": conditions})
            return
        conditions = with_condition(
            conditions, "NamesAccepted", True, reason="NoConflicts", message="no conflicts found"
        )
        conditions = with_condition(
            conditions,
            "Established",
            True,
            reason="InitialNamesAccepted",
            message="the initial names have been accepted",
        )
        stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
        status = {"conditions": conditions, "acceptedNames": crd["spec"]["names"], "storedVersions": stored}
        self.set_status(ref, status)

    def _is_taken(self, crd: Object) -> bool:
        """Whether another CRD of the group already defines the kind."""
        return any(
            other["spec"]["group"] == crd["spec"]["group"] and name_of(other) != name_of(crd)
            for other in self.store.items(CRDS)
            if dig(other, "status", "acceptedNames", "kind") == crd["spec"]["names"]["kind"]
        )

    def _delete_resources(self, ref: Ref, crd: Object) -> None:
        key = f"{crd['spec']['group']}/{crd['spec']['names']['plural']}"
        for obj in self.store.items(key):
            if not dig(obj, "metadata", "deletionTimestamp"):
                self.delete((key, namespace_of(obj), name_of(obj)))
        finalizers = dig(crd, "metadata", "finalizers", default=[])
        if not self.store.items(key) and _CLEANUP in finalizers:
            self._set_finalizers(ref, [item for item in finalizers if item != _CLEANUP])

    def _set_finalizers(self, ref: Ref, finalizers: list[str]) -> None:
        self.update(ref, lambda obj: obj | {"metadata": obj["metadata"] | {"finalizers": finalizers}})
