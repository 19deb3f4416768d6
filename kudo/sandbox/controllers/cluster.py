"""The initial objects of a cluster."""

from kudo.sandbox.api import Api, Options, Target
from kudo.sandbox.objects import Object, now
from kudo.sandbox.store import Ref

NODE = "sandbox"


def start_cluster(api: Api) -> None:
    """Create the namespaces, the node and the storage class that do not exist yet."""
    for name in ("default", "kube-system"):
        _ensure(api, "namespaces", {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}})
    _ensure(api, "nodes", {"metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}}, "spec": {}})
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    storage = {"metadata": {"name": "standard", "annotations": default}, "provisioner": "sandbox.kudo.dev/none"}
    _ensure(api, "storage.k8s.io/storageclasses", storage)
    _report_node(api)


def _ensure(api: Api, key: str, obj: Object) -> None:
    ref: Ref = (key, "", obj["metadata"]["name"])
    if api.store.get(ref) is None:
        api.create(Target(api.registry.at(key)), obj, Options("sandbox"))


def _report_node(api: Api) -> None:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the sandbox runs no containers",
        "lastHeartbeatTime": now(),
        "lastTransitionTime": now(),
    }
    resources = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
    status = {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [ready],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "nodeInfo": {"kubeletVersion": "v1.32.0"},
    }
    target = api.target(("nodes", "", NODE), "status")
    api.update(target, lambda node: node | {"status": status}, Options("sandbox"))
