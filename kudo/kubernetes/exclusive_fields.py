"""Fields of which the API allows only one, such as `value` and `valueFrom` of a variable.

An apply cannot remove the field that somebody else has set beside the one of the manifest, so the API rejects the
object. `displaced` returns such fields of the live object: the manifest takes their place.
"""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from kudo.model.base import Manifest
from kudo.model.objects import Object

_HANDLERS = ("exec", "grpc", "httpGet", "sleep", "tcpSocket")

_ALTERNATIVES = {
    "clientConfig": ("service", "url"),
    "defaultBackend": ("resource", "service"),
    "env": ("value", "valueFrom"),
    "livenessProbe": _HANDLERS,
    "port": ("name", "number"),
    "postStart": _HANDLERS,
    "preStop": _HANDLERS,
    "readinessProbe": _HANDLERS,
    "startupProbe": _HANDLERS,
    "valueFrom": ("configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"),
}
"""The fields of which a map may have only one, by the name of the map, or of the list of such maps."""

_DEPENDENT = {
    "appArmorProfile": ("type", "Localhost", "localhostProfile"),
    "conversion": ("strategy", "Webhook", "webhook"),
    "seccompProfile": ("type", "Localhost", "localhostProfile"),
    "strategy": ("type", "RollingUpdate", "rollingUpdate"),
    "updateStrategy": ("type", "RollingUpdate", "rollingUpdate"),
}
"""The fields that a map may have only if another one has this value: (the other one, its value, the field)."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """Fields of a live object that exclude fields of a manifest."""

    path: tuple[str, ...]
    """The map that has them: keys of maps, and names of the items of lists."""
    fields: frozenset[str]
    wanted_path: tuple[str, ...]
    wanted: Manifest
    """The fields of the manifest that they exclude."""


def displaced(item: Object, live: Object) -> list[Displaced]:
    """Return the fields of the live object that exclude fields of the manifest."""
    found = list(_displaced(item.manifest, live.manifest, ()))
    if item.kind == "PodDisruptionBudget":
        found += _alternatives(item.child("spec").manifest, live.child("spec").manifest, _BUDGETS, ("spec",))
    if (item.group, item.kind) == ("", "ConfigMap"):
        for one, other in (("data", "binaryData"), ("binaryData", "data")):
            wanted = {key: value for key, value in item.strings(one).items() if key in live.strings(other)}
            if wanted:
                found.append(Displaced((other,), frozenset(wanted), (one,), wanted))
    return found


_BUDGETS = ("maxUnavailable", "minAvailable")


def _displaced(wanted: Any, live: Any, path: tuple[str, ...], field: str = "") -> Iterator[Displaced]:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        if field == "volumes":
            yield from _alternatives(wanted, live, (wanted.keys() | live.keys()) - {"name"}, path)
        yield from _alternatives(wanted, live, _ALTERNATIVES.get(field, ()), path)
        yield from _dependent(wanted, live, field, path)
        for key, value in wanted.items():
            yield from _displaced(value, live.get(key), (*path, key), key)
    elif isinstance(wanted, list) and isinstance(live, list):
        by_name = {part.get("name"): part for part in live if isinstance(part, Mapping)}
        for part in wanted:
            if isinstance(part, Mapping) and isinstance(name := part.get("name"), str):
                yield from _displaced(part, by_name.get(name), (*path, name), field)


def _alternatives(
    wanted: Mapping[str, Any], live: Mapping[str, Any], names: Iterable[str], path: tuple[str, ...]
) -> Iterator[Displaced]:
    ours = {name: wanted[name] for name in names if wanted.get(name) is not None}
    others = frozenset(name for name in names if live.get(name) is not None) - ours.keys()
    if ours and others:
        yield Displaced(path, others, path, ours)


def _dependent(
    wanted: Mapping[str, Any], live: Mapping[str, Any], field: str, path: tuple[str, ...]
) -> Iterator[Displaced]:
    other, value, name = _DEPENDENT.get(field, ("", None, ""))
    if other in wanted and wanted[other] != value and name in live and name not in wanted:
        yield Displaced(path, frozenset([name]), path, {other: wanted[other]})


def field_paths(fields: Iterable[Displaced], live: Object) -> Iterator[tuple[str, ...]]:
    """Yield the displaced fields in the form of `managedFields`."""
    for found in fields:
        path: list[str] = []
        value: Any = live.manifest
        for key in found.path:
            path.append(
                "k:" + json.dumps({"name": key}, separators=(",", ":")) if isinstance(value, list) else f"f:{key}"
            )
            value = _below(value, key)
        for name in sorted(found.fields):
            yield (*path, f"f:{name}")


def without_wanted(item: Object, fields: Iterable[Displaced]) -> Object:
    """Return the manifest without the fields that displace others."""
    rest = Object(copy.deepcopy(item.manifest))
    for found in fields:
        for name in found.wanted:
            del _at(rest, found.wanted_path)[name]
    return rest


def displace(live: Object, fields: Iterable[Displaced]) -> Object:
    """Return the live object with the fields of the manifest in the place of the displaced ones."""
    result = Object(copy.deepcopy(live.manifest))
    for found in fields:
        for name in found.fields:
            _at(result, found.path).pop(name, None)
        _at(result, found.wanted_path).update(found.wanted)
    return result


def _at(item: Object, path: tuple[str, ...]) -> Manifest:
    value: Any = item.manifest
    for key in path:
        value = _below(value, key)
    return cast(Manifest, value)


def _below(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return next(part for part in value if isinstance(part, dict) and part.get("name") == key)
    return value[key]
