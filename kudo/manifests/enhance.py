"""Set labels, annotations, namespace and owner, as KUDO's `pkg/engine/renderer/enhancer.go` does.

Pod templates get only values that are the same in every run, so that running a plan does not restart pods by itself.
"""

import base64
import copy
from collections.abc import Iterator, Mapping

from kudo.errors import TaskEnhancementError
from kudo.manifests.health_rules import check_health_rules
from kudo.manifests.recreate_policy import recreate_policy
from kudo.model.annotations import (
    HERITAGE,
    INSTANCE,
    INSTANCE_NAMESPACE,
    OPERATOR,
    OPERATOR_VERSION,
    PHASE,
    PLAN,
    PLAN_UID,
    STEP,
)
from kudo.model.base import Manifest
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION

_POD_TEMPLATES: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("apps", "Deployment"): (("spec", "template"),),
    ("apps", "StatefulSet"): (("spec", "template"),),
    ("apps", "DaemonSet"): (("spec", "template"),),
    ("apps", "ReplicaSet"): (("spec", "template"),),
    ("", "ReplicationController"): (("spec", "template"),),
    ("batch", "Job"): (("spec", "template"),),
    ("batch", "CronJob"): (("spec", "jobTemplate", "spec", "template"),),
}


def enhance(original: Object, request: TaskRequest, namespaced: bool) -> Object:
    """Return a copy of an object with KUDO's labels, annotations, namespace and owner.

    A cluster-scoped object gets no namespace and no owner. Raises TaskEnhancementError if `metadata`, a pod template or
    an annotation of `kudo.dev` is malformed.
    """
    item = Object(copy.deepcopy(original.manifest))
    _normalize(item)
    instance_labels = labels(request)
    _add(item, item.manifest, "labels", instance_labels)
    _add(item, item.manifest, "annotations", _annotations(request))
    for template in pod_templates(item):
        _add(item, template, "labels", instance_labels)
        _add(item, template, "annotations", {OPERATOR_VERSION: request.metadata.operator_version})
    for claim in item.children("spec", "volumeClaimTemplates"):
        _add(item, claim.manifest, "labels", instance_labels)
    item.manifest["metadata"].pop("namespace", None)
    if namespaced:
        item.manifest["metadata"]["namespace"] = request.metadata.instance_namespace
        _set_owner(item, request)
    else:
        _add(item, item.manifest, "annotations", {INSTANCE_NAMESPACE: request.metadata.instance_namespace})
    recreate_policy(item)
    check_health_rules(item)
    return item


def labels(request: TaskRequest) -> dict[str, str]:
    """Return the labels of all objects that belong to an Instance."""
    metadata = request.metadata
    return {HERITAGE: "kudo", OPERATOR: metadata.operator_name, INSTANCE: metadata.instance_name}


_SET_BY_THE_API = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "selfLink",
)


def _normalize(item: Object) -> None:
    """Remove fields that the API sets, and convert the `stringData` of a Secret to `data`.

    The API merges `stringData` into `data`, so a key that is removed from the template would stay in the cluster.
    """
    metadata = item.child("metadata").manifest
    for field in _SET_BY_THE_API:
        metadata.pop(field, None)
    texts = item.manifest.get("stringData")
    if item.group or item.kind != "Secret" or not isinstance(texts, dict):
        return
    if all(isinstance(text, str) for text in texts.values()):
        del item.manifest["stringData"]
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        item.manifest["data"] = {**item.child("data").manifest, **encoded}


def _annotations(request: TaskRequest) -> dict[str, str]:
    metadata = request.metadata
    return {PLAN: metadata.plan_name, PHASE: request.phase, STEP: request.step, PLAN_UID: metadata.plan_uid}


def pod_templates(item: Object) -> Iterator[Manifest]:
    """Yield the pod templates of a workload."""
    for path in _POD_TEMPLATES.get((item.group, item.kind), ()):
        template = item.child(*path).manifest
        if template:
            yield template


def _add(item: Object, part: Manifest, field: str, values: Mapping[str, str]) -> None:
    metadata = part.setdefault("metadata", {})
    if metadata is None:
        metadata = part["metadata"] = {}
    if not isinstance(metadata, dict):
        raise TaskEnhancementError(f"{item.kind} {item.name}: metadata must be a map")
    present = metadata.get(field) or {}
    if not isinstance(present, dict):
        raise TaskEnhancementError(f"{item.kind} {item.name}: metadata.{field} must be a map")
    metadata[field] = {**present, **values}


def _set_owner(item: Object, request: TaskRequest) -> None:
    if not request.metadata.instance_uid:
        return
    owner = {
        "apiVersion": API_VERSION,
        "kind": "Instance",
        "name": request.metadata.instance_name,
        "uid": request.metadata.instance_uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    others = item.children("metadata", "ownerReferences")
    if any(other.flag("controller") and other.text("uid") != owner["uid"] for other in others):
        raise TaskEnhancementError(f"{item.kind} {item.name}: its template sets another controller as owner")
    item.manifest["metadata"]["ownerReferences"] = [
        *(other.manifest for other in others if other.text("uid") != owner["uid"]),
        owner,
    ]
