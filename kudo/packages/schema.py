"""JSON Schemas of operator.yaml and params.yaml, for editors.

A schema accepts the files that the reader accepts, in both dialects: it branches on `apiVersion`. A schema cannot
express references, such as a step's to its tasks, so the reader refuses more.

The schema also refuses mistakes that the reader overlooks: strings, integers and booleans in place of one another, an
unknown field of `kudo.dev/v1` without a value, and text between the parts of a duration.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from kudo.model.base import JsonObject
from kudo.model.package import DIALECTS, MAX_LABEL, SUBDOMAIN, OperatorFile, ParamsFile
from kudo.packages.dialect import FIELDS

SchemaName = Literal["operator", "params"]
SCHEMA_NAMES: tuple[SchemaName, ...] = get_args(SchemaName)

_MODELS: dict[SchemaName, type[BaseModel]] = {"operator": OperatorFile, "params": ParamsFile}

_DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest draft that all editors support."""

_INTEGER = r"^[-+]?[0-9]{1,19}$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_BOOLEAN = "^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$"

_FIELD_OF_V1: JsonObject = {
    "type": "null",
    "doNotSuggest": True,
    "errorMessage": "Only packages with apiVersion kudo.dev/v1 have this field.",
}
"""A field that the dialect does not have; without a value it counts as absent. Editors support the two keywords."""


def schema(name: SchemaName) -> JsonObject:
    """Return the JSON Schema of a file of a package, for both dialects."""
    model = _MODELS[name]
    definitions = {f"{_short(dialect)}.{key}": part for dialect in DIALECTS for key, part in _parts(model, dialect)}
    return {
        "$schema": _DRAFT,
        "title": f"{name}.yaml of a KUDO package",
        "type": "object",
        "properties": {"apiVersion": {"enum": ["kudo.dev/v1", "kudo.dev/v1beta1", None]}},
        "if": {"properties": {"apiVersion": {"const": "kudo.dev/v1"}}, "required": ["apiVersion"]},
        "then": {"$ref": f"#/definitions/v1.{model.__name__}"},
        "else": {"$ref": f"#/definitions/v1beta1.{model.__name__}"},
        "definitions": {**definitions, "FieldOfV1": _FIELD_OF_V1},
    }


def schema_file(name: SchemaName) -> str:
    """Return the JSON Schema of a file of a package as the text of a file."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def _short(dialect: str) -> str:
    return dialect.removeprefix("kudo.dev/")


def _parts(model: type[BaseModel], dialect: str) -> Iterator[tuple[str, JsonSchemaValue]]:
    """Yield the schemas of a model and of all models that it uses, each with the name of its model."""
    root = model.model_json_schema(
        ref_template=f"#/definitions/{_short(dialect)}.{{model}}", schema_generator=_Generator
    )
    parts = {**root.pop("$defs"), model.__name__: root}
    for name, part in parts.items():
        (_close if dialect == "kudo.dev/v1" else _refuse_newer_fields)(part)
        if name != "Retry" or dialect == "kudo.dev/v1":
            yield name, part


def _close(part: JsonSchemaValue) -> None:
    """Refuse unknown fields."""
    part["additionalProperties"] = False


def _refuse_newer_fields(part: JsonSchemaValue) -> None:
    """Refuse the fields of kudo.dev/v1 in every part that has one of them."""
    if any(field in part["properties"] for field in FIELDS):
        part["properties"] |= {field: {"$ref": "#/definitions/FieldOfV1"} for field in FIELDS}


class _Generator(GenerateJsonSchema):
    """Generates schemas that accept, like the reader, numbers for strings and null for optional fields."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        number = "integer" if "pattern" in schema else "number"
        return {**super().str_schema(schema), "type": ["string", number]}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return _or_null(self.generate_inner(schema["schema"]))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        result = _or_null(self.generate_inner(schema["schema"]))
        default = schema.get("default")
        shown = isinstance(default, bool) or (isinstance(default, str) and default)
        return {**result, "default": default} if shown else result

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model = schema["cls"]
        result = super().model_schema(schema)
        texts = _descriptions(model)
        for name, field in model.model_fields.items():
            part = result["properties"][field.alias or name]
            # The kind of a task is one constant for each model, so the model describes it.
            part |= _described(result["description"] if "const" in part else texts[name])
        return _merged(result, _RULES.get(model.__name__, {}))

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Write conditions instead of a oneOf, so that editors complete the tag and apply the right part."""
        tag, kinds = str(schema["discriminator"]), super().tagged_union_schema(schema)["discriminator"]["mapping"]
        conditions = [
            {"if": {"properties": {tag: {"const": kind}}, "required": [tag]}, "then": {"$ref": reference}}
            for kind, reference in kinds.items()
        ]
        return {"type": "object", "properties": {tag: {"enum": [*kinds]}}, "required": [tag], "allOf": conditions}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _or_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return a schema that also accepts null, which is how YAML reads a field without a value."""
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema:
        return schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*dict.fromkeys([*types, "null"])]}


def _described(text: str) -> JsonSchemaValue:
    """Return a description; editors render Markdown only in a keyword of their own."""
    return {"description": text} | ({"markdownDescription": text} if "`" in text else {})


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of the fields of a model and of its bases, by field."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            found |= dict(_documented_fields(tree))
    return found


def _documented_fields(tree: ast.stmt) -> Iterator[tuple[str, str]]:
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def _merged(schema: JsonSchemaValue, rule: JsonSchemaValue) -> JsonSchemaValue:
    """Return a schema with the keywords of a rule added, property by property."""
    properties = {
        name: {**part, **rule.get("properties", {}).get(name, {})} for name, part in schema["properties"].items()
    }
    return {**schema, **rule, "properties": properties}


def _has(field: str) -> JsonObject:
    return {"required": [field], "properties": {field: {"type": ["string", "number"], "minLength": 1}}}


def _default_of(kind: str, *allowed: JsonObject) -> JsonObject:
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {"properties": {"default": {"anyOf": [*allowed, {"type": "null"}]}}},
    }


_RULES: dict[str, JsonSchemaValue] = {
    "OperatorFile": {
        "properties": {
            "name": {
                "type": ["string", "number"],
                "pattern": f"^{SUBDOMAIN.pattern}$",
                "maxLength": MAX_LABEL,
                "minimum": 0,
                "patternErrorMessage": "may only have lower case letters, digits, '-' and '.'",
            },
        }
    },
    "PipeFile": {
        "properties": {"key": {"patternErrorMessage": "may only have letters, digits, '-' and '_'"}},
        "oneOf": [_has("file"), _has("envFile")],
    },
    "ParameterDefinition": {
        "allOf": [
            _default_of("integer", {"type": "integer"}, {"type": "string", "pattern": _INTEGER}),
            _default_of("number", {"type": "number"}, {"type": "string", "pattern": _NUMBER}),
            _default_of("boolean", {"type": "boolean"}, {"enum": [0, 1]}, {"type": "string", "pattern": _BOOLEAN}),
            _default_of("array", {"type": ["array", "string"]}),
            _default_of("map", {"type": ["object", "string"]}),
        ]
    },
}
"""The checks of the models' validators and of the reader, as keywords of JSON Schema."""
