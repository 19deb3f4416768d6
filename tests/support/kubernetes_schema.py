"""The schema of Kubernetes' kinds that `kudo package verify` has, made from the OpenAPI document of an API server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kudo.devstack.control_plane import control_plane
from kudo.kubernetes.connection import Connection
from kudo.model.base import Manifest

FILE = Path(__file__).parents[2] / "kudo" / "verification" / "kubernetes.json"

_SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "string",
}
_PREFIXES = (
    "io.k8s.api.",
    "io.k8s.apimachinery.pkg.apis.",
    "io.k8s.apiextensions-apiserver.pkg.apis.",
    "io.k8s.kube-aggregator.pkg.apis.",
)


async def schema_of(connection: Connection) -> str:
    """Return the text of the schema of an API server."""
    answer = await connection.request("GET", "/openapi/v2")
    return _text(_trimmed(answer.body.manifest))


def _trimmed(openapi: Manifest) -> Manifest:
    """Return the kinds that can be applied, and the types that they use, without descriptions."""
    definitions: Manifest = openapi["definitions"]
    kinds = {
        "/".join(filter(None, (kind["group"], kind["version"], kind["kind"]))): name
        for name, definition in definitions.items()
        for kind in definition.get("x-kubernetes-group-version-kind", ())
        if {"metadata", "kind"} <= definition.get("properties", {}).keys()
        and not kind["kind"].endswith("List")
        # The options of requests and the resources of this project are no kinds of Kubernetes.
        and name.startswith("io.k8s.")
    }
    types: Manifest = {}
    left = list(kinds.values())
    while left:
        name = left.pop()
        if _short(name) not in types:
            definition = definitions[name]
            fields = {field: _type(schema) for field, schema in definition["properties"].items() if field != "status"}
            types[_short(name)] = {"fields": fields, "required": sorted({*definition.get("required", ())} - {"status"})}
            left += [found for field, found in _refs(definition) if field != "status"]
    return {
        "version": openapi["info"]["version"].removeprefix("v"),
        "kinds": {kind: _short(name) for kind, name in sorted(kinds.items())},
        "types": dict(sorted(types.items())),
    }


def _refs(definition: Manifest) -> Iterator[tuple[str, str]]:
    for field, schema in definition["properties"].items():
        for part in (schema, schema.get("items", {}), schema.get("additionalProperties", {})):
            for below in (part, part.get("items", {})):
                name = below.get("$ref", "").rpartition("/")[2]
                if name and name not in _SCALARS and _has_fields(name):
                    yield field, name


def _has_fields(name: str) -> bool:
    return not name.endswith(_OPEN)


_OPEN = (
    *("FieldsV1", "RawExtension", "JSON", "JSONSchemaProps", "OrArray", "OrBool", "OrStringArray"),
    *("SubresourceStatus", "DisruptionMode", "SchedulingPolicy"),
)
"""The ends of the names of types that may hold anything here."""


def _type(schema: Manifest) -> Any:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _SCALARS.get(name) or (f"#{_short(name)}" if _has_fields(name) else "any")
    if schema.get("type") == "array":
        return [_type(schema["items"])]
    if schema.get("type") == "object":
        return {"map": _type(schema["additionalProperties"])} if "additionalProperties" in schema else "any"
    if "enum" in schema:
        return {"enum": sorted(schema["enum"])}
    return schema.get("type", "any")


def _short(name: str) -> str:
    return next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)


def _text(schema: Manifest) -> str:
    """Return JSON with one line for each kind and type, so that a new version can be reviewed."""

    def lines(part: Manifest) -> str:
        return ",\n".join(f" {json.dumps(key)}: {_compact(value)}" for key, value in part.items())

    parts = [f'"{name}": {{\n{lines(schema[name])}\n}}' for name in ("kinds", "types")]
    return f'{{"version": {json.dumps(schema["version"])},\n' + ",\n".join(parts) + "}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


async def _write() -> None:
    with TemporaryDirectory() as directory:
        async with (
            control_plane(Path(directory)) as started,
            await Connection.open(kubeconfig=started.kubeconfig) as connection,
        ):
            FILE.write_text(await schema_of(connection))
    print(f"{FILE} was written.")


if __name__ == "__main__":
    asyncio.run(_write())
