"""Kubernetes objects for tests."""

from kudo.model.base import Manifest
from kudo.model.objects import Object

NAMESPACE = "default"

ROLLOUT = "sandbox.kudo.dev/rollout"


def config_map(name: str = "config", **data: str) -> Object:
    return Object.of("v1", "ConfigMap", {"name": name, "namespace": NAMESPACE}, data=data)


def secret(name: str = "secret", **data: object) -> Object:
    return Object.of("v1", "Secret", {"name": name, "namespace": NAMESPACE}, stringData=data)


def deployment(name: str = "web", *, replicas: int = 1, rollout: str = "") -> Object:
    # Without a short deadline, a failing roll-out would take ten minutes to fail; any other may be slow.
    deadline = 1 if rollout == "fail" else 120
    return _workload("Deployment", name, rollout, replicas=replicas, progressDeadlineSeconds=deadline)


def stateful_set(name: str = "db", *, replicas: int = 1, rollout: str = "") -> Object:
    return _workload("StatefulSet", name, rollout, replicas=replicas, serviceName=name)


def daemon_set(name: str = "agent", *, rollout: str = "") -> Object:
    return _workload("DaemonSet", name, rollout)


def job(name: str = "job", *, completions: int = 1, rollout: str = "") -> Object:
    template = {"metadata": _rollout(rollout), "spec": {"restartPolicy": "Never", "containers": [_container()]}}
    spec = {"completions": completions, "backoffLimit": 0, "template": template}
    return Object.of("batch/v1", "Job", _metadata(name), spec=spec)


def pod(name: str = "pod", *, rollout: str = "") -> Object:
    return Object.of("v1", "Pod", _metadata(name) | _rollout(rollout), spec={"containers": [_container()]})


def service(name: str = "web", kind: str = "ClusterIP") -> Object:
    spec = {"type": kind, "selector": {"app": name}, "ports": [{"port": 80}]}
    return Object.of("v1", "Service", _metadata(name), spec=spec)


def claim(name: str = "data", storage_class: str | None = None) -> Object:
    spec: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    if storage_class:
        spec["storageClassName"] = storage_class
    return Object.of("v1", "PersistentVolumeClaim", _metadata(name), spec=spec)


def namespace(name: str) -> Object:
    return Object.of("v1", "Namespace", {"name": name})


def definition(kind: str = "Widget", group: str = "example.com") -> Object:
    plural = f"{kind.lower()}s"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return Object.of("apiextensions.k8s.io/v1", "CustomResourceDefinition", {"name": f"{plural}.{group}"}, spec=spec)


def widget(name: str = "one", **spec: object) -> Object:
    return Object.of("example.com/v1", "Widget", {"name": name, "namespace": NAMESPACE}, spec=spec)


def _metadata(name: str) -> Manifest:
    return {"name": name, "namespace": NAMESPACE, "labels": {"heritage": "kudo"}}


def _rollout(value: str) -> Manifest:
    """Return the metadata that controls the roll-out of a pod; see docs/sandbox.md."""
    return {"annotations": {ROLLOUT: value}} if value else {}


def _container() -> Manifest:
    return {"name": "main", "image": "busybox"}


def _workload(kind: str, name: str, rollout: str, **spec: object) -> Object:
    labels = {"labels": {"app": name, "heritage": "kudo"}}
    template = {"metadata": labels | _rollout(rollout), "spec": {"containers": [_container()]}}
    selector = {"matchLabels": {"app": name}}
    return Object.of("apps/v1", kind, _metadata(name), spec={"selector": selector, "template": template, **spec})
