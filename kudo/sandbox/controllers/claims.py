"""PersistentVolumeClaims: each is bound to a new volume, at once or when a pod uses it, as its storage class says."""

from collections.abc import Iterator

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.objects import Object, dig, name_of, namespace_of, uid_of
from kudo.sandbox.store import Change, Ref

_VOLUMES = "persistentvolumes"
_CLASS = "volume.beta.kubernetes.io/storage-class"


class Claims(Controller):
    """Creates volumes, and deletes them with their claims."""

    keys = ("persistentvolumeclaims",)

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the claim, or its volume if it was deleted; for a new pod, the claims that it uses."""
        if change.ref[0] == "pods" and change.type == "ADDED":
            for name in _claims_of(change.object):
                yield (self.keys[0], namespace_of(change.object), name)
        if change.ref[0] not in self.keys:
            return
        if change.type == "DELETED":
            yield (_VOLUMES, "", dig(change.object, "spec", "volumeName", default=""))
        else:
            yield change.ref

    def reconcile(self, ref: Ref) -> float | None:
        """Bind a claim, or delete the volume of a deleted one."""
        if ref[0] == _VOLUMES:
            self._reclaim(ref)
            return None
        claim = self.live(ref)
        if claim is None:
            return None
        if self._waits_for_consumer(claim):
            return None
        volume = dig(claim, "spec", "volumeName") or f"pvc-{uid_of(claim)}"
        if self.store.get((_VOLUMES, "", volume)) is None:
            self._provision(claim, volume)
        self.update(ref, lambda obj: obj | {"spec": obj["spec"] | {"volumeName": volume}})
        spec = claim["spec"]
        capacity = {"storage": spec["resources"]["requests"]["storage"]}
        self.set_status(ref, {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity})
        return None

    def _waits_for_consumer(self, claim: Object) -> bool:
        if dig(claim, "spec", "volumeName"):
            return False
        name = dig(claim, "metadata", "annotations", _CLASS) or dig(claim, "spec", "storageClassName", default="")
        storage_class = self.store.get(("storage.k8s.io/storageclasses", "", name)) or {}
        if storage_class.get("volumeBindingMode") != "WaitForFirstConsumer":
            return False
        pods = self.store.items("pods", namespace_of(claim))
        return not any(name_of(claim) in _claims_of(pod) for pod in pods)

    def _provision(self, claim: Object, name: str) -> None:
        spec = claim["spec"]
        bound = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace_of(claim)}
        volume = {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "claimRef": bound | {"name": name_of(claim), "uid": uid_of(claim)},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec.get("storageClassName", ""),
            "volumeMode": spec["volumeMode"],
            "hostPath": {"path": "/dev/null"},
        }
        self.create(_VOLUMES, {"metadata": {"name": name}, "spec": volume})
        self.set_status((_VOLUMES, "", name), {"phase": "Bound"})

    def _reclaim(self, ref: Ref) -> None:
        volume = self.live(ref)
        if volume is not None and dig(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete":
            self.delete(ref)


def _claims_of(pod: Object) -> list[str]:
    volumes = dig(pod, "spec", "volumes", default=[])
    return [name for volume in volumes if (name := dig(volume, "persistentVolumeClaim", "claimName"))]
