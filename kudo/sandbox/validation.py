"""The validation of objects: the API server's rules that packages are likely to violate."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from kudo.sandbox import exclusive
from kudo.sandbox.objects import Object, dig, name_of, owners_of
from kudo.sandbox.resources import Resource
from kudo.sandbox.selectors import OPERATORS, matches
from kudo.sandbox.status import Cause, bad_value, invalid, not_allowed, required
from kudo.sandbox.updates import changes

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DNS_LABEL = re.compile(_LABEL)
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_DNS_LABEL_KINDS = frozenset(("namespaces", "services"))


def validate(resource: Resource, obj: Object, live: Object | None) -> None:
    """Validate a new object, or an update of the live one. Raises ApiError 422 if it is invalid."""
    causes = list(_metadata(resource, obj))
    if not resource.custom:
        causes += _CHECKS.get(obj["kind"], _nothing)(obj)
    if live is not None:
        causes += changes(resource, obj, live)
    if causes:
        raise invalid(resource, name_of(obj), causes)


def _nothing(_: Object) -> Iterator[Cause]:
    yield from ()


def _metadata(resource: Resource, obj: Object) -> Iterator[Cause]:
    name = name_of(obj)
    strict = resource.key in _DNS_LABEL_KINDS
    pattern, limit = (_DNS_LABEL, 63) if strict else (_SUBDOMAIN, 253)
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif len(name) > limit:
        yield bad_value("metadata.name", name, f"must be no more than {limit} characters")
    elif resource.group == "rbac.authorization.k8s.io":
        if "/" in name or "%" in name:  # these names only have to be valid in a path
            yield bad_value("metadata.name", name, "may not contain '/' or '%'")
    elif not pattern.fullmatch(name):
        yield bad_value("metadata.name", name, _LABEL_RULE if strict else _SUBDOMAIN_RULE)
    yield from _labels(dig(obj, "metadata", "labels", default={}), "metadata.labels")
    for index, owner in enumerate(owners_of(obj)):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield required(f"metadata.ownerReferences[{index}].{field}")


def _labels(labels: dict[str, str], field: str) -> Iterator[Cause]:
    for key, value in labels.items():
        prefix, _, name = key.rpartition("/")
        if not name or not _VALUE.fullmatch(name) or len(name) > 63 or (prefix and not _SUBDOMAIN.fullmatch(prefix)):
            yield bad_value(field, key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
        if len(value or "") > 63:
            yield bad_value(field, value, "must be no more than 63 characters")
        elif not _VALUE.fullmatch(value or ""):
            yield bad_value(field, value, _VALUE_RULE)


def _workload(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"] if isinstance(obj.get("spec"), dict) else {}
    labels = dig(spec, "template", "metadata", "labels", default={})
    if not spec.get("selector"):
        yield required("spec.selector")
    elif found := list(_selector(obj)):
        yield from found
    elif not matches(spec["selector"], labels):
        yield bad_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if dig(spec, "replicas", default=0) < 0:
        yield bad_value("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    yield from _strategy(obj["kind"], spec)
    yield from _template(spec.get("template"), "spec.template")


def _strategy(kind: str, spec: Object) -> Iterator[Cause]:
    field = {"Deployment": "strategy", "StatefulSet": "updateStrategy"}.get(kind, "")
    strategy = spec.get(field) or {}
    if strategy.get("type") in ("Recreate", "OnDelete") and strategy.get("rollingUpdate"):
        yield not_allowed(f"spec.{field}.rollingUpdate", f"may not be specified for the type {strategy['type']}")


def _selector(obj: Object) -> Iterator[Cause]:
    for index, item in enumerate(dig(obj, "spec", "selector", "matchExpressions", default=[])):
        if item.get("operator") not in OPERATORS or not item.get("key"):
            field = f"spec.selector.matchExpressions[{index}].operator"
            yield bad_value(field, item.get("operator"), "not a valid selector operator")


def _job(obj: Object) -> Iterator[Cause]:
    template = dig(obj, "spec", "template")
    yield from _template(template, "spec.template")
    policy = dig(template, "spec", "restartPolicy")
    if policy not in (None, "OnFailure", "Never"):
        message = f'Unsupported value: "{policy}": supported values: "OnFailure", "Never"'
        yield Cause("spec.template.spec.restartPolicy", "FieldValueNotSupported", message)


def _cron_job(obj: Object) -> Iterator[Cause]:
    if not dig(obj, "spec", "schedule"):
        yield required("spec.schedule")
    yield from _template(dig(obj, "spec", "jobTemplate", "spec", "template"), "spec.jobTemplate.spec.template")


def _template(template: Any, field: str) -> Iterator[Cause]:
    if isinstance(template, dict):
        yield from _labels(dig(template, "metadata", "labels", default={}), f"{field}.labels")
    yield from _pod_spec(dig(template, "spec", default={}), f"{field}.spec")


def _pod(obj: Object) -> Iterator[Cause]:
    yield from _pod_spec(dig(obj, "spec", default={}), "spec")


def _pod_spec(spec: Object, field: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for index, volume in enumerate(spec.get("volumes") or ()):
        yield from exclusive.of_volume(volume, f"{field}.volumes[{index}]")
    seen: set[str] = set()
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or ()):
            yield from _container(container, f"{field}.{part}[{index}]", volumes, seen)


def _container(container: Object, field: str, volumes: set[Any], seen: set[str]) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield required(f"{field}.name")
    elif not _DNS_LABEL.fullmatch(name):
        yield bad_value(f"{field}.name", name, _LABEL_RULE)
    elif name in seen:
        yield Cause(f"{field}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
    if not container.get("image"):
        yield required(f"{field}.image")
    seen.add(str(name))
    yield from exclusive.of_container(container, field)
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            message = f'Not found: "{mount.get("name")}"'
            yield Cause(f"{field}.volumeMounts[{index}].name", "FieldValueNotFound", message)


def _stateful_set(obj: Object) -> Iterator[Cause]:
    for index, claim in enumerate(dig(obj, "spec", "volumeClaimTemplates", default=[])):
        if not name_of(claim):
            yield required(f"spec.volumeClaimTemplates[{index}].metadata.name")
    # Containers may mount volumeClaimTemplates, which become volumes only in the pods.
    claims = [{"name": name_of(claim)} for claim in dig(obj, "spec", "volumeClaimTemplates", default=[])]
    pod = dig(obj, "spec", "template", "spec", default={})
    template = dig(obj, "spec", "template", default={}) | {
        "spec": pod | {"volumes": claims + (pod.get("volumes") or [])}
    }
    yield from _workload(obj | {"spec": obj["spec"] | {"template": template}})


def _service(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield required("spec.ports")
    for index, port in enumerate(ports):
        if not 0 < (port.get("port") or 0) < 65536:
            yield bad_value(f"spec.ports[{index}].port", port.get("port", 0), "must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{index}].name")


def _budget(obj: Object) -> Iterator[Cause]:
    yield from _selector(obj)
    yield from exclusive.of_budget(obj)


def _data(obj: Object) -> Iterator[Cause]:
    yield from exclusive.of_data(obj)
    for key in [*(obj.get("data") or {}), *(obj.get("binaryData") or {})]:
        if not _DATA_KEY.fullmatch(key):
            yield bad_value(
                f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            )


def _claim(obj: Object) -> Iterator[Cause]:
    if not dig(obj, "spec", "accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if not dig(obj, "spec", "resources", "requests", "storage"):
        yield required("spec.resources[storage]")


def _crd(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    expected = f"{dig(spec, 'names', 'plural', default='')}.{spec.get('group', '')}"
    if name_of(obj) != expected:
        yield bad_value("metadata.name", name_of(obj), 'must be spec.names.plural+"."+spec.group')
    for field, value in (
        ("group", spec.get("group")),
        ("scope", spec.get("scope")),
        ("versions", spec.get("versions")),
    ):
        if not value:
            yield required(f"spec.{field}")
    if not dig(spec, "names", "kind"):
        yield required("spec.names.kind")
    for index, version in enumerate(spec.get("versions") or ()):
        if not version.get("name"):
            yield required(f"spec.versions[{index}].name")
        for at, column in enumerate(version.get("additionalPrinterColumns") or ()):
            for field in ("name", "type", "jsonPath"):
                if not column.get(field):
                    yield required(f"spec.versions[{index}].additionalPrinterColumns[{at}].{field}")


def _binding(obj: Object) -> Iterator[Cause]:
    if not dig(obj, "roleRef", "name"):
        yield required("roleRef.name")


_CHECKS: dict[str, Callable[[Object], Iterator[Cause]]] = {
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "DaemonSet": _workload,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _pod,
    "Service": _service,
    "ConfigMap": _data,
    "Secret": _data,
    "PersistentVolumeClaim": _claim,
    "PodDisruptionBudget": _budget,
    "CustomResourceDefinition": _crd,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}
