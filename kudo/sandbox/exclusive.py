"""The validation of fields of which an object may have only one."""

from collections.abc import Iterator

from kudo.sandbox.objects import Object, dig
from kudo.sandbox.status import Cause, bad_value, not_allowed

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def of_container(container: Object, field: str) -> Iterator[Cause]:
    """Check the variables, probes and hooks of a container."""
    for index, variable in enumerate(container.get("env") or ()):
        yield from _variable(variable, f"{field}.env[{index}].valueFrom")
    for name in _PROBES:
        yield from _handlers(container.get(name), f"{field}.{name}")
    for name in ("postStart", "preStop"):
        yield from _handlers(dig(container, "lifecycle", name), f"{field}.lifecycle.{name}")


def _variable(variable: Object, field: str) -> Iterator[Cause]:
    source = variable.get("valueFrom")
    if not source:
        return
    if variable.get("value"):
        yield bad_value(field, "", "may not be specified when `value` is not empty")
    if len(_present(source, _SOURCES)) > 1:
        yield bad_value(field, "", "may not have more than one field specified at a time")


def _handlers(handler: Object | None, field: str) -> Iterator[Cause]:
    for name in _present(handler or {}, _HANDLERS)[1:]:
        yield not_allowed(f"{field}.{name}", "may not specify more than 1 handler type")


def of_volume(volume: Object, field: str) -> Iterator[Cause]:
    """Check the source of a volume."""
    for name in _present(volume, tuple(key for key in volume if key != "name"))[1:]:
        yield not_allowed(f"{field}.{name}", "may not specify more than 1 volume type")


def of_budget(obj: Object) -> Iterator[Cause]:
    """Check the bounds of a PodDisruptionBudget."""
    if len(_present(dig(obj, "spec", default={}), ("minAvailable", "maxUnavailable"))) > 1:
        yield bad_value("spec", "", "minAvailable and maxUnavailable cannot be both set")


def of_data(obj: Object) -> Iterator[Cause]:
    """Check the keys of a ConfigMap."""
    for key in sorted((obj.get("data") or {}).keys() & (obj.get("binaryData") or {}).keys()):
        yield bad_value(f"binaryData[{key}]", key, "duplicate of key present in data")


def _present(fields: Object, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if fields.get(name) is not None]
