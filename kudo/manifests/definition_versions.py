"""The rewriting of CustomResourceDefinitions from apiextensions.k8s.io/v1beta1 to v1.

Version v1 requires a structural schema for each version: every field has a type. Types are derived from what the schema
says about a field; a field without any is left to hold anything. Keywords that v1 does not allow are dropped, so that
the new schema accepts at least what the old one did.
"""

from typing import Any

from kudo.model.base import Manifest
from kudo.model.objects import Object

_ANYTHING = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_APPROVAL = "api-approved.kubernetes.io"

_FORBIDDEN = frozenset(
    [
        *("$ref", "$schema", "id", "definitions", "dependencies", "deprecated", "discriminator"),
        *("patternProperties", "additionalItems", "readOnly", "writeOnly", "xml", "example"),
    ]
)
"""Keywords that a structural schema must not have."""

_LOGIC = ("allOf", "anyOf", "oneOf", "not")


class NotRewritable(Exception):
    """An object that has no equivalent in the next API version; the text is the reason."""


def rewrite_definition(item: Object) -> None:
    """Change a CustomResourceDefinition of v1beta1 to v1, except its apiVersion. Raises NotRewritable."""
    item.manifest.pop("status", None)
    spec = item.manifest.get("spec")
    if not isinstance(spec, dict):
        raise NotRewritable("it has no spec")
    shared = {
        field: spec.pop(field)
        for field in ("validation", "subresources", "additionalPrinterColumns")
        if spec.get(field) is not None
    }
    prune = spec.pop("preserveUnknownFields", True) is False
    version = spec.pop("version", "")
    versions = spec.get("versions") or [{"name": version, "served": True, "storage": True}]
    spec["versions"] = [_version({**shared, **entry}, prune) for entry in versions]
    spec.setdefault("scope", "Namespaced")
    if "conversion" in spec:
        spec["conversion"] = _conversion(spec["conversion"])
    if item.text("spec", "group").endswith((".k8s.io", ".kubernetes.io")):
        # v1 refuses the groups of Kubernetes without a link to their approval, or this word.
        annotations = item.manifest["metadata"].setdefault("annotations", {})
        annotations.setdefault(_APPROVAL, "unapproved, the definition was made for apiextensions.k8s.io/v1beta1")


def _version(version: Manifest, prune: bool) -> Manifest:
    schema = version.pop("validation", None) or version.pop("schema", None) or {}
    root = _structural(schema.get("openAPIV3Schema") or {})
    root["type"] = "object"
    if "metadata" in root.get("properties", {}):
        # The API knows the fields of metadata, so a schema may say only this of it.
        root["properties"]["metadata"] = {"type": "object"}
    if not prune:
        root[_ANYTHING] = True
    version["schema"] = {"openAPIV3Schema": root}
    columns = version.get("additionalPrinterColumns") or []
    version["additionalPrinterColumns"] = [
        {"jsonPath" if key == "JSONPath" else key: value for key, value in column.items()} for column in columns
    ]
    if not columns:
        del version["additionalPrinterColumns"]
    return version


def _conversion(conversion: Manifest) -> Manifest:
    if conversion.get("strategy") != "Webhook":
        return {"strategy": "None"}
    webhook = {
        "clientConfig": conversion.get("webhookClientConfig"),
        "conversionReviewVersions": conversion.get("conversionReviewVersions") or ["v1beta1"],
    }
    return {"strategy": "Webhook", "webhook": webhook}


def _structural(schema: Any) -> Manifest:
    """Return a structural schema that accepts what a schema does."""
    if not isinstance(schema, dict):
        return {_ANYTHING: True}
    if _is_int_or_string(schema):
        return {key: schema[key] for key in ("description",) if key in schema} | {_INT_OR_STRING: True}
    result: Manifest = {key: value for key, value in schema.items() if key not in _FORBIDDEN | {*_LOGIC}}
    _descend(result)
    kind = _type_of(result)
    if not kind:
        return {key: result[key] for key in ("description", "nullable") if key in result} | {_ANYTHING: True}
    result["type"] = kind
    _complete(result)
    return result


def _descend(schema: Manifest) -> None:
    """Make the schemas below a schema structural."""
    if "properties" in schema:
        schema["properties"] = {name: _structural(below) for name, below in (schema["properties"] or {}).items()}
        schema.pop("additionalProperties", None)
    elif isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _structural(schema["additionalProperties"])
    if "items" in schema:
        items = schema["items"]
        schema["items"] = _structural(items) if isinstance(items, dict) else {_ANYTHING: True}


def _complete(schema: Manifest) -> None:
    """Add what a structural schema of this type must have."""
    schema.pop("uniqueItems", None)
    if schema["type"] == "array":
        schema.setdefault("items", {_ANYTHING: True})
    if schema["type"] == "object":
        if isinstance(schema.get("additionalProperties"), bool):
            del schema["additionalProperties"]
        if not schema.get("properties") and "additionalProperties" not in schema:
            # v1beta1 kept the fields of such an object, whatever they are.
            schema[_ANYTHING] = True


def _type_of(schema: Manifest) -> str:
    kind = schema.get("type")
    if kind in ("object", "array", "string", "integer", "number", "boolean"):
        return str(kind)
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    values = schema.get("enum") or []
    if values and all(isinstance(value, str) for value in values):
        return "string"
    return "string" if "pattern" in schema else ""


def _is_int_or_string(schema: Manifest) -> bool:
    if schema.get(_INT_OR_STRING) or schema.get("format") == "int-or-string":
        return True
    kinds = [
        sorted(str(part.get("type")) for part in schema.get(word) or () if isinstance(part, dict))
        for word in ("anyOf", "oneOf")
    ]
    return ["integer", "string"] in kinds and not schema.get("properties")
