"""The cluster-scoped kinds of Kubernetes, for use without a cluster."""

import re
from collections.abc import Iterator

from kudo.errors import KindNotFound
from kudo.model.objects import Object
from kudo.model.package import Package

_CLUSTER_SCOPED = {
    "": {"Namespace", "Node", "PersistentVolume", "ComponentStatus"},
    "admissionregistration.k8s.io": {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    },
    "apiextensions.k8s.io": {"CustomResourceDefinition"},
    "apiregistration.k8s.io": {"APIService"},
    "certificates.k8s.io": {"CertificateSigningRequest", "ClusterTrustBundle"},
    "flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
    "networking.k8s.io": {"IngressClass", "IPAddress", "ServiceCIDR"},
    "node.k8s.io": {"RuntimeClass"},
    "policy": {"PodSecurityPolicy"},
    "rbac.authorization.k8s.io": {"ClusterRole", "ClusterRoleBinding"},
    "resource.k8s.io": {"DeviceClass", "ResourceSlice"},
    "scheduling.k8s.io": {"PriorityClass"},
    "storage.k8s.io": {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
}


async def is_namespaced_offline(item: Object) -> bool:
    """Return whether an object is namespaced, without a cluster. Raises KindNotFound for kinds that are not known."""
    if "." in item.group and not item.group.endswith(".k8s.io"):
        raise KindNotFound(f"{item.kind} of {item.api_version} is not a kind of Kubernetes")
    return item.kind not in _CLUSTER_SCOPED.get(item.group, ())


_KIND = re.compile(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)


def cluster_scoped_kinds(package: Package) -> Iterator[str]:
    """Yield the cluster-scoped kinds of Kubernetes in the templates of a package's tasks, without rendering them."""
    known = {kind for kinds in _CLUSTER_SCOPED.values() for kind in kinds}
    used = {name for task in package.operator.tasks for name in task.template_names()}
    for name in used & package.templates.keys():
        yield from (kind for kind in _KIND.findall(package.templates[name]) if kind in known)
