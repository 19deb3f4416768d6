"""API versions that Kubernetes has removed, and the rewriting of objects to those that took their place.

The removals are in Kubernetes' deprecation guide (https://kubernetes.io/docs/reference/using-api/deprecation-guide).
"""

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kudo.manifests.definition_versions import NotRewritable, rewrite_definition
from kudo.model.base import Manifest
from kudo.model.kubernetes import KUBERNETES_VERSION
from kudo.model.objects import Object

__all__ = ["NotRewritable", "Removal", "removal_of", "rewritten", "served"]

Rewrite = Callable[[Object], None]
"""Changes a copy of an object to its next API version, except the apiVersion. Raises NotRewritable."""


@dataclass(frozen=True, slots=True)
class Removal:
    """The removal of an API version of a kind."""

    removed_in: str
    """The first minor version of Kubernetes that does not serve it."""
    successor: str
    """The API version that took its place; empty if there is none."""
    rewrite: Rewrite


def removal_of(item: Object, kubernetes: str = KUBERNETES_VERSION) -> Removal | None:
    """Return the removal of the API version of an object, if a minor version of Kubernetes does not serve it."""
    found = _REMOVALS.get((item.api_version, item.kind))
    return found if found and _minor(found.removed_in) <= _minor(kubernetes) else None


def rewritten(item: Object, kubernetes: str = KUBERNETES_VERSION) -> Object:
    """Return an object in an API version that Kubernetes serves, without the fields of metadata that were removed.

    Raises NotRewritable if no API version took the place of its own, or the object has no equivalent in it.
    """
    while removal := removal_of(item, kubernetes):
        if not removal.successor:
            raise NotRewritable("nothing took its place")
        item = Object({**copy.deepcopy(item.manifest), "apiVersion": removal.successor})
        removal.rewrite(item)
    custom = "." in item.group and not item.group.endswith(".k8s.io")
    return item if custom else Object(_without_removed_fields(item.manifest))


def served(item: Object, kubernetes: str = KUBERNETES_VERSION) -> Object:
    """Return an object in an API version that Kubernetes serves, or itself if it has no equivalent in one."""
    with suppress(NotRewritable):
        return rewritten(item, kubernetes)
    return item


_REMOVED_FIELDS = ("clusterName", "initializers")
"""Fields of metadata, also in templates of pods, that Kubernetes removed in 1.16 and 1.24."""


def _without_removed_fields(value: Any, field: str = "") -> Any:
    if isinstance(value, dict):
        removed = _REMOVED_FIELDS if field == "metadata" else ()
        return {key: _without_removed_fields(below, key) for key, below in value.items() if key not in removed}
    if isinstance(value, list):
        return [_without_removed_fields(below) for below in value]
    return value


def _minor(version: str) -> tuple[int, int]:
    major, _, minor = version.removeprefix("v").partition(".")
    return int(major), int(minor.partition(".")[0] or 0)


def _keep(_: Object) -> None:
    """Both versions have the same fields."""


def _workload(item: Object) -> None:
    spec = item.manifest.setdefault("spec", {})
    spec.pop("rollbackTo", None)
    labels = item.child("spec", "template", "metadata", "labels").manifest
    # The old versions took the labels of the template for a missing selector.
    if not item.has("spec", "selector") and labels:
        spec["selector"] = {"matchLabels": dict(labels)}


def _stateful_set(item: Object) -> None:
    _workload(item)
    item.manifest["spec"].setdefault("updateStrategy", {"type": "OnDelete"})


def _daemon_set(item: Object) -> None:
    _stateful_set(item)
    item.manifest["spec"].pop("templateGeneration", None)


def _budget(item: Object) -> None:
    if not item.child("spec", "selector").manifest:
        raise NotRewritable("its empty selector selects no pods in policy/v1beta1, and all pods in policy/v1")


def _ingress(item: Object) -> None:
    spec = item.manifest.get("spec") or {}
    if "backend" in spec:
        spec["defaultBackend"] = _backend(Object(spec.pop("backend")))
    for rule in item.children("spec", "rules"):
        for path in rule.children("http", "paths"):
            path.manifest.setdefault("pathType", "ImplementationSpecific")
            if path.has("backend"):
                path.manifest["backend"] = _backend(path.child("backend"))


def _backend(backend: Object) -> Manifest:
    if not backend.has("serviceName"):
        return backend.manifest
    port = backend.manifest.get("servicePort")
    return {
        "service": {
            "name": backend.manifest["serviceName"],
            "port": {"number": port} if isinstance(port, int) else {"name": port},
        }
    }


def _webhooks(item: Object) -> None:
    # The defaults of v1beta1, where v1 has others or none.
    defaults = {"failurePolicy": "Ignore", "matchPolicy": "Exact", "timeoutSeconds": 30}
    for webhook in item.children("webhooks"):
        if webhook.text("sideEffects") not in ("None", "NoneOnDryRun"):
            raise NotRewritable("a webhook must declare sideEffects None or NoneOnDryRun")
        for field, value in defaults.items():
            webhook.manifest.setdefault(field, value)
        webhook.manifest.setdefault("admissionReviewVersions", ["v1beta1"])


def _autoscaler(item: Object) -> None:
    """Change the metrics of autoscaling/v2beta1, whose targets are fields of their own."""
    for metric in item.children("spec", "metrics"):
        for source in ("resource", "containerResource", "pods", "object", "external"):
            if metric.has(source):
                _metric(source, metric.child(source))


def _metric(source: str, metric: Object) -> None:
    fields = metric.manifest
    target: Manifest = {}
    for old, kind, new in (
        ("targetAverageUtilization", "Utilization", "averageUtilization"),
        ("targetAverageValue", "AverageValue", "averageValue"),
        ("averageValue", "AverageValue", "averageValue"),
        ("targetValue", "Value", "value"),
    ):
        if old in fields:
            target = {"type": kind, new: fields.pop(old)}
    if source == "object":
        fields["describedObject"] = fields.pop("target", {})
    if source in ("pods", "object", "external"):
        name = fields.pop("metricName", "")
        selector = fields.pop("selector", fields.pop("metricSelector", None))
        fields["metric"] = {"name": name} | ({"selector": selector} if selector else {})
    fields["target"] = target


def _endpoint_slice(item: Object) -> None:
    for endpoint in item.children("endpoints"):
        if endpoint.has("topology"):
            raise NotRewritable("the field topology of its endpoints was removed")


def _signing_request(item: Object) -> None:
    if not item.has("spec", "signerName") or not item.has("spec", "usages"):
        raise NotRewritable("it must have the fields signerName and usages")


def _moved(
    removed_in: str, old: str, new: str, kinds: tuple[str, ...], rewrite: Rewrite = _keep
) -> dict[tuple[str, str], Removal]:
    return {(old, kind): Removal(removed_in, new, rewrite) for kind in kinds}


_RBAC = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_FLOWS = ("FlowSchema", "PriorityLevelConfiguration")

_REMOVALS: dict[tuple[str, str], Removal] = {
    **_moved("1.16", "extensions/v1beta1", "apps/v1", ("Deployment", "ReplicaSet"), _workload),
    **_moved("1.16", "extensions/v1beta1", "apps/v1", ("DaemonSet",), _daemon_set),
    **_moved("1.16", "extensions/v1beta1", "networking.k8s.io/v1", ("NetworkPolicy",)),
    **_moved("1.16", "extensions/v1beta1", "policy/v1beta1", ("PodSecurityPolicy",)),
    **_moved("1.16", "apps/v1beta1", "apps/v1", ("Deployment",), _workload),
    **_moved("1.16", "apps/v1beta1", "apps/v1", ("StatefulSet",), _stateful_set),
    **_moved("1.16", "apps/v1beta2", "apps/v1", ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"), _workload),
    **_moved("1.21", "batch/v2alpha1", "batch/v1", ("CronJob",)),
    **_moved("1.22", "extensions/v1beta1", "networking.k8s.io/v1", ("Ingress",), _ingress),
    **_moved("1.22", "networking.k8s.io/v1beta1", "networking.k8s.io/v1", ("Ingress",), _ingress),
    **_moved("1.22", "networking.k8s.io/v1beta1", "networking.k8s.io/v1", ("IngressClass",)),
    **_moved("1.22", "rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1", _RBAC),
    **_moved("1.22", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", _RBAC),
    **_moved("1.22", "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1", ("PriorityClass",)),
    **_moved("1.22", "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1", ("Lease",)),
    **_moved("1.22", "apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", ("APIService",)),
    **_moved("1.22", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", ("CSIDriver", "CSINode", "StorageClass")),
    **_moved("1.22", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", ("VolumeAttachment",)),
    **_moved(
        "1.22",
        "certificates.k8s.io/v1beta1",
        "certificates.k8s.io/v1",
        ("CertificateSigningRequest",),
        _signing_request,
    ),
    **_moved("1.22", "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", _WEBHOOKS, _webhooks),
    **_moved(
        "1.22",
        "apiextensions.k8s.io/v1beta1",
        "apiextensions.k8s.io/v1",
        ("CustomResourceDefinition",),
        rewrite_definition,
    ),
    **_moved("1.25", "batch/v1beta1", "batch/v1", ("CronJob",)),
    **_moved("1.25", "policy/v1beta1", "policy/v1", ("PodDisruptionBudget",), _budget),
    **_moved("1.25", "policy/v1beta1", "", ("PodSecurityPolicy",)),
    **_moved("1.25", "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", ("EndpointSlice",), _endpoint_slice),
    **_moved("1.25", "node.k8s.io/v1beta1", "node.k8s.io/v1", ("RuntimeClass",)),
    **_moved("1.25", "autoscaling/v2beta1", "autoscaling/v2", ("HorizontalPodAutoscaler",), _autoscaler),
    **_moved("1.26", "autoscaling/v2beta2", "autoscaling/v2", ("HorizontalPodAutoscaler",)),
    **_moved("1.27", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", ("CSIStorageCapacity",)),
    **_moved("1.26", "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta3", _FLOWS),
    **_moved("1.29", "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3", _FLOWS),
    **_moved("1.32", "flowcontrol.apiserver.k8s.io/v1beta3", "flowcontrol.apiserver.k8s.io/v1", _FLOWS),
}
