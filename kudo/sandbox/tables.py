"""The `Table` format, which kubectl prints."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from kudo.sandbox.objects import Object, condition, dig, name_of
from kudo.sandbox.resources import Resource

Cell = Callable[[Object], Any]
Column = tuple[str, str, Cell]  # name, type and value


def table(resource: Resource, objects: Iterable[Object], metadata: Object) -> Object:
    """Return a `Table` of objects. Its rows have the metadata, which kubectl needs for the namespace."""
    columns = (("Name", "string", name_of), *_columns(resource))
    definitions = [
        {"name": name, "type": kind, "format": "name" if name == "Name" else "", "description": "", "priority": 0}
        for name, kind, _ in columns
    ]
    rows = [{"cells": [cell(obj) for _, _, cell in columns], "object": _partial(obj)} for obj in objects]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def table_of(resource: Resource, obj: Object) -> Object:
    """Return the `Table` of a single object, for a get or a watch; that of a bookmark has no rows."""
    rows = [obj] if name_of(obj) else []
    return table(resource, rows, {"resourceVersion": obj["metadata"]["resourceVersion"]})


def _partial(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}


def _columns(resource: Resource) -> tuple[Column, ...]:
    if resource.custom and resource.columns:
        return tuple(_custom(*column) for column in resource.columns)
    return (*_BUILT_IN.get(resource.key, ()), ("Age", "string", age))


def _custom(name: str, kind: str, json_path: str) -> Column:
    path = [part for part in json_path.strip("{}").split(".") if part]
    if kind == "date":
        return name, kind, lambda obj: _since(dig(obj, *path))
    return name, kind, lambda obj: dig(obj, *path)


def age(obj: Object) -> str:
    """Return the age of an object in kubectl's format."""
    return _since(dig(obj, "metadata", "creationTimestamp"))


def _since(time: Any) -> str:
    if not isinstance(time, str):
        return "<unknown>"
    return _duration(time, datetime.now(UTC))


def _duration(start: str, end: datetime) -> str:
    seconds = max(0, int((end - datetime.fromisoformat(start.replace("Z", "+00:00"))).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 2 * 3600:
        return f"{seconds // 60}m"
    return f"{seconds // 3600}h" if seconds < 48 * 3600 else f"{seconds // 86400}d"


def _field(*path: str | int, default: Any = "<none>") -> Cell:
    return lambda obj: dig(obj, *path, default=default)


def _number(*path: str) -> Cell:
    return _field(*path, default=0)


def _of(ready: Cell, wanted: Cell) -> Cell:
    return lambda obj: f"{ready(obj)}/{wanted(obj)}"


def _statuses(pod: Object) -> list[Object]:
    statuses: list[Object] = dig(pod, "status", "containerStatuses", default=[])
    return statuses


def _pod_ready(pod: Object) -> str:
    ready = sum(1 for status in _statuses(pod) if status.get("ready"))
    return f"{ready}/{len(dig(pod, 'spec', 'containers', default=[]))}"


def _pod_status(pod: Object) -> str:
    if dig(pod, "metadata", "deletionTimestamp"):
        return "Terminating"
    for status in _statuses(pod):
        for state in ("waiting", "terminated"):
            if reason := dig(status, "state", state, "reason"):
                return str(reason)
    return str(dig(pod, "status", "phase", default="Unknown"))


def _event_object(event: Object) -> str:
    about = dig(event, "involvedObject", default={})
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _pod_restarts(pod: Object) -> int:
    return sum(status.get("restartCount", 0) for status in _statuses(pod))


def _job_status(job: Object) -> str:
    for kind in ("Complete", "Failed", "Suspended"):
        if condition(job, kind).get("status") == "True":
            return kind
    return "Running"


def _job_duration(job: Object) -> str:
    start, end = dig(job, "status", "startTime"), dig(job, "status", "completionTime")
    if not start:
        return ""
    return _duration(start, datetime.fromisoformat(end.replace("Z", "+00:00")) if end else datetime.now(UTC))


def _ports(service: Object) -> str:
    ports = dig(service, "spec", "ports", default=[])
    return ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in ports) or "<none>"


_SPEC_REPLICAS = _number("spec", "replicas")
_READY_REPLICAS = _number("status", "readyReplicas")
_BUILT_IN: dict[str, tuple[Column, ...]] = {
    "events": (
        ("Type", "string", _field("type")),
        ("Reason", "string", _field("reason")),
        ("Object", "string", _event_object),
        ("Message", "string", _field("message")),
    ),
    "pods": (
        ("Ready", "string", _pod_ready),
        ("Status", "string", _pod_status),
        ("Restarts", "string", _pod_restarts),
    ),
    "apps/deployments": (
        ("Ready", "string", _of(_READY_REPLICAS, _SPEC_REPLICAS)),
        ("Up-to-date", "string", _number("status", "updatedReplicas")),
        ("Available", "string", _number("status", "availableReplicas")),
    ),
    "apps/statefulsets": (("Ready", "string", _of(_READY_REPLICAS, _SPEC_REPLICAS)),),
    "apps/replicasets": (
        ("Desired", "integer", _SPEC_REPLICAS),
        ("Current", "integer", _number("status", "replicas")),
        ("Ready", "integer", _READY_REPLICAS),
    ),
    "apps/daemonsets": (
        ("Desired", "integer", _number("status", "desiredNumberScheduled")),
        ("Current", "integer", _number("status", "currentNumberScheduled")),
        ("Ready", "integer", _number("status", "numberReady")),
    ),
    "batch/jobs": (
        ("Status", "string", _job_status),
        ("Completions", "string", _of(_number("status", "succeeded"), _field("spec", "completions", default=1))),
        ("Duration", "string", _job_duration),
    ),
    "services": (
        ("Type", "string", _field("spec", "type")),
        ("Cluster-IP", "string", _field("spec", "clusterIP")),
        ("External-IP", "string", _field("status", "loadBalancer", "ingress", 0, "ip")),
        ("Port(s)", "string", _ports),
    ),
    "persistentvolumeclaims": (
        ("Status", "string", _field("status", "phase")),
        ("Volume", "string", _field("spec", "volumeName", default="")),
        ("Capacity", "string", _field("status", "capacity", "storage", default="")),
        ("StorageClass", "string", _field("spec", "storageClassName", default="")),
    ),
    "namespaces": (("Status", "string", _field("status", "phase")),),
    "nodes": (("Status", "string", lambda _: "Ready"), ("Version", "string", lambda _: "v1.32.0")),
    "configmaps": (("Data", "integer", lambda obj: len(obj.get("data") or {})),),
    "secrets": (("Type", "string", _field("type")), ("Data", "integer", lambda obj: len(obj.get("data") or {}))),
    "apiextensions.k8s.io/customresourcedefinitions": (
        ("Created At", "date", _field("metadata", "creationTimestamp")),
    ),
}
