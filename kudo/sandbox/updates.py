"""The validation of updates: fields that are immutable."""

from collections.abc import Iterator

from kudo.sandbox.objects import Object, dig
from kudo.sandbox.resources import Resource
from kudo.sandbox.status import Cause, bad_value, not_allowed

# Kind → immutable fields.
_FIXED = {
    "Deployment": (("spec", "selector"),),
    "ReplicaSet": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "Job": (("spec", "completions"), ("spec", "selector"), ("spec", "template"), ("spec", "completionMode")),
    "Secret": (("type",),),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",)),
    "CustomResourceDefinition": (("spec", "group"), ("spec", "scope"), ("spec", "names", "kind")),
}
# Kind → the mutable fields of its spec, and the API server's message about all others.
_FREE = {
    "StatefulSet": (
        (
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ),
        (
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
            "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
        ),
    ),
    "PersistentVolumeClaim": (
        ("resources", "volumeAttributesClassName", "volumeName"),
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
    ),
    "Pod": (
        (
            "nodeName",
            "containers",
            "initContainers",
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
        ),
        (
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
            "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        ),
    ),
}


def changes(resource: Resource, new: Object, old: Object) -> Iterator[Cause]:
    """Yield the causes for immutable fields that an update changes."""
    yield from _finalizers(new, old)
    if resource.custom:
        return
    kind = new["kind"]
    for path in _FIXED.get(kind, ()):
        if dig(new, *path) != dig(old, *path):
            yield bad_value(".".join(path), dig(new, *path), "field is immutable")
    if kind in _FREE:
        yield from _spec(new, old, *_FREE[kind])
    if kind == "Service":
        yield from _cluster_ip(new["spec"], old["spec"])
    if kind in ("ConfigMap", "Secret") and old.get("immutable"):
        yield from _data(new, old)


def _finalizers(new: Object, old: Object) -> Iterator[Cause]:
    added = set(dig(new, "metadata", "finalizers", default=[])) - set(dig(old, "metadata", "finalizers", default=[]))
    if added and dig(old, "metadata", "deletionTimestamp"):
        message = f"no new finalizers can be added if the object is being deleted, found new finalizers {sorted(added)}"
        yield not_allowed("metadata.finalizers", message)


def _spec(new: Object, old: Object, free: tuple[str, ...], message: str) -> Iterator[Cause]:
    fixed = [{key: value for key, value in obj["spec"].items() if key not in free} for obj in (new, old)]
    if fixed[0] != fixed[1]:
        yield not_allowed("spec", message)


def _cluster_ip(new: Object, old: Object) -> Iterator[Cause]:
    before, after = old.get("clusterIP"), new.get("clusterIP")
    if before and before != after and new.get("type") != "ExternalName":
        yield bad_value("spec.clusterIPs[0]", [after] if after else None, "may not change once set")


def _data(new: Object, old: Object) -> Iterator[Cause]:
    if new.get("data") != old.get("data"):
        yield not_allowed("data", "field is immutable when `immutable` is set")
