"""The fields of Kubernetes' kinds, and the problems of objects with them.

kubernetes.json is made from the OpenAPI document of an API server (`make kubernetes-schema`). The API rejects what is
reported here: server-side apply refuses unknown fields, where KUDO's client-side apply dropped them.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from kudo.model.objects import Object
from kudo.model.suggestion import did_you_mean

_NAMES = {"string": "a string", "integer": "an integer", "number": "a number", "boolean": "true or false"}


@dataclass(frozen=True, slots=True)
class Schema:
    """The kinds of one minor version of Kubernetes."""

    version: str
    kinds: Mapping[str, str]
    """The names of the types of kinds, by GROUP/VERSION/KIND."""
    types: Mapping[str, Mapping[str, Any]]

    def problems(self, item: Object) -> Iterator[str]:
        """Yield the problems of an object, as `FIELD: REASON`; none for a custom resource or a removed API version."""
        kind = self.kinds.get(f"{item.api_version}/{item.kind}")
        if kind is None:
            yield from self._unknown_kind(item)
            return
        yield from self._object(kind, item.manifest, "")
        if (item.group, item.kind) == ("", "Secret"):
            yield from _secret_problems(item)

    def _unknown_kind(self, item: Object) -> Iterator[str]:
        prefix = f"{item.api_version}/"
        known = [kind.removeprefix(prefix) for kind in self.kinds if kind.startswith(prefix)]
        if known and "/" not in known[0]:
            yield (
                f"kind: Kubernetes {self.version} has no kind {item.kind!r} in {item.api_version}"
                f"{did_you_mean(item.kind, known)}"
            )

    def _object(self, name: str, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: must be a map, not {_described(value)}"
            return
        fields, required = self.types[name]["fields"], self.types[name]["required"]
        for key, below in value.items():
            where = f"{path}.{key}" if path else str(key)
            if key in fields:
                yield from self._value(fields[key], below, where)
            elif key != "status":
                yield f"{where}: unknown field{did_you_mean(str(key), fields)}"
        for key in required:
            if value.get(key) is None:
                yield f"{path}.{key}: is missing" if path else f"{key}: is missing"

    def _value(self, kind: Any, value: Any, path: str) -> Iterator[str]:
        match kind:
            case _ if value is None or kind == "any":
                return
            case str() if kind.startswith("#"):
                yield from self._object(kind[1:], value, path)
            case [of_items]:
                yield from self._list(of_items, value, path)
            case {"map": of_values}:
                yield from self._map(of_values, value, path)
            case {"enum": allowed}:
                if value != "" and value not in allowed:
                    close = did_you_mean(value, allowed) if isinstance(value, str) else ""
                    yield f"{path}: must be one of {', '.join(allowed)}{close}"
            case str() if not _fits(kind, value):
                quoted = "; quote it" if kind == "string" and not isinstance(value, list | dict) else ""
                yield f"{path}: must be {_NAMES.get(kind, f'a {kind}')}, not {_described(value)}{quoted}"

    def _list(self, of_items: Any, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: must be a list, not {_described(value)}"
            return
        for index, below in enumerate(value):
            name = below.get("name") if isinstance(below, dict) else None
            yield from self._value(of_items, below, f"{path}[{name if isinstance(name, str) else index}]")

    def _map(self, of_values: Any, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: must be a map, not {_described(value)}"
            return
        for key, below in value.items():
            yield from self._value(of_values, below, f"{path}.{key}")


def _fits(kind: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return number and value == int(value)
        case "number":
            return number
        case "boolean":
            return isinstance(value, bool)
    return number or isinstance(value, str)


def _described(value: Any) -> str:
    """Return the type of a value; the value itself may be a secret."""
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "a map"}
    return names.get(type(value), "null")


def _secret_problems(item: Object) -> Iterator[str]:
    for key, value in item.strings("data").items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield f"data.{key}: must be encoded in base64; put plain text below stringData"


@cache
def schema() -> Schema:
    """Return the schema that this version of `kudo` has."""
    content = json.loads(files("kudo.verification").joinpath("kubernetes.json").read_text())
    return Schema(content["version"], content["kinds"], content["types"])
