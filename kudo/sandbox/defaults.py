"""The defaults that the API server sets: the few that clients of the sandbox may notice."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from kudo.sandbox.objects import Object, clone, dig, digest, name_of

_CONTAINER = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
}
_SPECS: dict[str, Mapping[str, Any]] = {
    "Deployment": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    },
    "StatefulSet": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "podManagementPolicy": "OrderedReady",
        "serviceName": "",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    },
    "DaemonSet": {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    },
    "ReplicaSet": {"replicas": 1},
    "Job": {"backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False},
    "CronJob": {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3},
    "Service": {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"},
    "PersistentVolumeClaim": {"volumeMode": "Filesystem", "storageClassName": "standard"},
    "Namespace": {"finalizers": ["kubernetes"]},
    "CustomResourceDefinition": {"conversion": {"strategy": "None"}},
    "Pod": _POD | {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"},
}
_REST: dict[str, Mapping[str, Any]] = {
    "Secret": {"type": "Opaque"},
    "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
}


def fill(obj: Object, live: Object | None) -> None:
    """Set the defaults of an object of a built-in kind; fields that only the server sets come from the live object."""
    kind = obj["kind"]
    _set_missing(obj, _REST.get(kind, {}))
    if kind in _SPECS:
        spec = obj.get("spec")
        obj["spec"] = spec = {} if spec is None else spec
        if isinstance(spec, dict):
            _set_missing(spec, _SPECS[kind])
            _fill_template(kind, spec)
    if kind in _SPECIAL:
        _SPECIAL[kind](obj, live or {})


def _set_missing(target: Object, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = clone(value)


def _fill_template(kind: str, spec: Object) -> None:
    pod = spec if kind == "Pod" else dig(spec, "template", "spec")
    if not isinstance(pod, dict):
        return
    _set_missing(pod, _POD)
    for container in [*dig(pod, "containers", default=[]), *dig(pod, "initContainers", default=[])]:
        if isinstance(container, dict):
            _fill_container(container)


def _fill_container(container: Object) -> None:
    image = str(container.get("image", ""))
    latest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
    _set_missing(container, _CONTAINER | {"imagePullPolicy": "Always" if latest else "IfNotPresent"})
    for port in container.get("ports") or ():
        if isinstance(port, dict):
            _set_missing(port, {"protocol": "TCP"})


def _fill_service(obj: Object, live: Object) -> None:
    spec = obj["spec"]
    for field in ("clusterIP", "clusterIPs"):
        if not spec.get(field) and dig(live, "spec", field) and spec["type"] != "ExternalName":
            spec[field] = live["spec"][field]
    if not live and spec["type"] != "ExternalName":
        _set_missing(spec, {"clusterIP": _address(obj)})
        _set_missing(spec, {"clusterIPs": [spec["clusterIP"]]})
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            _set_missing(port, {"protocol": "TCP", "targetPort": port.get("port")})


def _address(obj: Object) -> str:
    # No client connects to it, so it only has to differ from the others.
    high, low = bytes.fromhex(digest(obj["metadata"]["uid"], 4))
    return f"10.96.{high}.{low}"


def _fill_secret(obj: Object, _: Object) -> None:
    texts = obj.pop("stringData", None) or {}
    if texts:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in texts.items()}
        obj["data"] = (obj.get("data") or {}) | encoded


def _fill_job(obj: Object, live: Object) -> None:
    spec, uid = obj["spec"], dig(obj, "metadata", "uid")
    # A parallelism without completions is a work queue, which ends with its first success.
    _set_missing(spec, {"parallelism": 1} if spec.get("parallelism") else {"parallelism": 1, "completions": 1})
    template = spec.get("template")
    if live or not isinstance(template, dict) or spec.get("manualSelector") or spec.get("selector"):
        return
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    metadata = template["metadata"] = template.get("metadata") or {}
    name = name_of(obj)
    labels = {"controller-uid": uid, "job-name": name}
    labels |= {f"batch.kubernetes.io/{key}": value for key, value in labels.items()}
    metadata["labels"] = (metadata.get("labels") or {}) | labels


def _fill_claim(obj: Object, live: Object) -> None:
    if dig(live, "spec", "volumeName") and not obj["spec"].get("volumeName"):
        obj["spec"]["volumeName"] = live["spec"]["volumeName"]


def _fill_crd(obj: Object, _: Object) -> None:
    names = dig(obj, "spec", "names")
    if isinstance(names, dict) and isinstance(names.get("kind"), str):
        kind = names["kind"]
        _set_missing(names, {"singular": kind.lower(), "listKind": f"{kind}List"})


_SPECIAL: dict[str, Callable[[Object, Object], None]] = {
    "Service": _fill_service,
    "Secret": _fill_secret,
    "Job": _fill_job,
    "PersistentVolumeClaim": _fill_claim,
    "CustomResourceDefinition": _fill_crd,
}
