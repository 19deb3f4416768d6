"""The JSON Schemas for editors accept what the reader accepts."""

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.documented import write_documented_package

from kudo.errors import PackageError
from kudo.model import yaml
from kudo.model.package import DIALECTS
from kudo.packages import SCHEMA_NAMES, SchemaName, read_package, schema, schema_file, write_skeleton

ROOT = Path(__file__).parents[2]
OPERATORS = ROOT.parent / "shared" / "operators"
PACKAGES = [path.parent for root in (ROOT / "examples", OPERATORS) for path in sorted(root.glob("*/operator.yaml"))]

VALIDATORS = {name: Draft7Validator(schema(name)) for name in SCHEMA_NAMES}

FieldPath = tuple[str | int, ...]

OPERATOR: dict[str, Any] = {
    "name": "tested",
    "operatorVersion": "1.0.0",
    "appVersion": 5.7,
    "kubernetesVersion": None,
    "maintainers": [{"name": "Ada", "email": "ada@example.com"}],
    "namespaceManifest": "a.yaml",
    "tasks": [
        {"name": "apply", "kind": "Apply", "spec": {"resources": ["a.yaml"]}},
        {"name": "delete", "kind": "Delete", "spec": {"resources": ["a.yaml"]}},
        {"name": "toggle", "kind": "Toggle", "spec": {"parameter": "ON", "resources": ["a.yaml"]}},
        {
            "name": "files",
            "kind": "Pipe",
            "spec": {"pod": "a.yaml", "pipe": [{"file": "/a", "kind": "Secret", "key": "a"}]},
        },
        {"name": "child", "kind": "KudoOperator", "spec": {"package": "./child", "parameterFile": "a.yaml"}},
        {"name": "nothing", "kind": "Dummy", "spec": {"done": True}},
        {"name": "never", "kind": "Dummy"},
    ],
    "plans": {
        "deploy": {
            "strategy": "serial",
            "phases": [
                {"name": "main", "strategy": "parallel", "steps": [{"name": "all", "tasks": ["apply", "files"]}]}
            ],
        }
    },
}
"""A valid operator.yaml of both dialects that has nearly all fields."""

PARAMS: dict[str, Any] = {
    "groups": [{"name": "basic", "displayName": "Basic", "prio": 3}],
    "parameters": [
        {"name": "ON", "type": "boolean", "default": True, "required": False, "immutable": True, "group": "basic"},
        {"name": "SIZE", "type": "integer", "default": 3, "trigger": "deploy", "enum": [1, 3, None]},
        {"name": "SHARE", "type": "number", "default": 0.5, "advanced": True, "hint": "a part"},
        {"name": "HOSTS", "type": "array", "default": ["a", "b"]},
        {"name": "LABELS", "type": "map", "default": {"a": "b"}},
        {"name": "GREETING", "default": "hello", "description": "A greeting", "displayName": "Greeting"},
    ],
}
"""A valid params.yaml of both dialects that has all fields."""

NEWER: list[tuple[FieldPath, Any]] = [
    (("tasks", 0, "when"), "Params.ON | bool"),
    (("tasks", 0, "timeout"), "1h30m"),
    (("tasks", 0, "retry"), {"maxAttempts": 3, "initialInterval": "2s", "maxInterval": "1m"}),
    (("plans", "deploy", "timeout"), "1h"),
    (("plans", "deploy", "phases", 0, "when"), "true"),
    (("plans", "deploy", "phases", 0, "timeout"), "30m"),
    (("plans", "deploy", "phases", 0, "steps", 0, "when"), "true"),
    (("plans", "deploy", "phases", 0, "steps", 0, "approval"), True),
    (("plans", "deploy", "phases", 0, "steps", 0, "timeout"), "0.5h"),
]
"""The paths of the fields that only kudo.dev/v1 has, each with a value."""

REFERENCES = (
    "there is no task '",
    "there is no template ",
    "trigger: there is no plan ",
    " times",
    "apiVersion: is ",
    "must be one of ",
)
"""Parts of the messages of problems that a schema cannot express, because they concern two places."""


def problems(directory: Path, operator: object, params: object = PARAMS) -> list[str]:
    """Return the problems that the reader reports in a package, except those of REFERENCES."""
    (directory / "templates").mkdir(parents=True)
    (directory / "templates" / "a.yaml").write_text("a: 1")
    (directory / "operator.yaml").write_text(yaml.dump(operator))  # type: ignore[arg-type]
    (directory / "params.yaml").write_text(yaml.dump(params))  # type: ignore[arg-type]
    try:
        read_package(directory)
    except PackageError as error:
        return [text for text in error.problems if not any(reference in text for reference in REFERENCES)]
    return []


def errors(name: SchemaName, document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[name].iter_errors(document)]


def changed(document: dict[str, Any], path: FieldPath, value: object, dialect: str | None = None) -> dict[str, Any]:
    """Return a copy of a document with a value at a path."""
    result = copy.deepcopy(document) | ({"apiVersion": dialect} if dialect else {})
    part: Any = result
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return result


def complete(dialect: str) -> dict[str, Any]:
    """Return an operator.yaml with all fields of its dialect."""
    result = {"apiVersion": dialect, **copy.deepcopy(OPERATOR)}
    for path, value in NEWER if dialect == "kudo.dev/v1" else []:
        result = changed(result, path, value)
    return result


def paths(value: object, prefix: FieldPath = ()) -> Iterator[FieldPath]:
    """Yield the paths of all values in a document."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*prefix, key)
        yield from paths(value[key], (*prefix, key))  # type: ignore[index]


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schema_is_valid_json_schema(name: SchemaName) -> None:
    Draft7Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_committed_schema_is_current(name: SchemaName) -> None:
    committed = (ROOT / "docs" / "schemas" / f"{name}.json").read_text()
    assert committed == schema_file(name), "The models have changed. Run `make schemas`."


@pytest.mark.parametrize("name", SCHEMA_NAMES)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_package_matches_schema(package: Path, name: SchemaName) -> None:
    assert errors(name, yaml.load((package / f"{name}.yaml").read_text())) == []


@pytest.mark.parametrize("name", SCHEMA_NAMES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_documented_package_matches_schema(tmp_path: Path, dialect: str, name: SchemaName) -> None:
    assert errors(name, yaml.load((write_documented_package(tmp_path, dialect) / f"{name}.yaml").read_text())) == []


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_new_package_references_its_own_schema(tmp_path: Path, name: SchemaName) -> None:
    write_skeleton("shop", tmp_path)
    text = (tmp_path / f"{name}.yaml").read_text()
    line = text.splitlines()[0]
    assert line == f"# yaml-language-server: $schema=.schemas/{name}.json"
    written = json.loads((tmp_path / line.partition("=")[2]).read_text())
    assert [error.message for error in Draft7Validator(written).iter_errors(yaml.load(text))] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_schema_describes_every_field(dialect: str) -> None:
    definitions = schema("operator")["definitions"] | schema("params")["definitions"]  # type: ignore[operator]
    short = dialect.removeprefix("kudo.dev/")
    undescribed = [
        f"{name}.{field}"
        for name, part in definitions.items()
        for field, text in part.get("properties", {}).items()
        if name.startswith(f"{short}.") and "description" not in text and "FieldOfV1" not in str(text)
    ]
    assert undescribed == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("path", "value"), NEWER, ids=[".".join(map(str, path)) for path, _ in NEWER])
def test_newer_field_is_refused_only_in_old_dialect(
    tmp_path: Path, path: FieldPath, value: object, dialect: str
) -> None:
    document = changed(OPERATOR, path, value, dialect)
    params = PARAMS | {"apiVersion": dialect}
    assert bool(errors("operator", document)) == (dialect == "kudo.dev/v1beta1")
    assert bool(problems(tmp_path / "package", document, params)) == (dialect == "kudo.dev/v1beta1")


WRONG: list[tuple[SchemaName, FieldPath, Any]] = [
    ("operator", ("apiVersion",), "kudo.dev/v2"),
    ("operator", ("name",), "Tested!"),
    ("operator", ("name",), None),
    ("operator", ("name",), -1),
    ("operator", ("operatorVersion",), True),
    ("operator", ("name",), "a" * 64),
    ("operator", ("plans", "deploy"), None),
    ("operator", ("plans", "deploy", "strategy"), "random"),
    ("operator", ("tasks", 0, "kind"), "Aply"),
    ("operator", ("tasks", 0, "spec"), None),
    ("operator", ("tasks", 0, "spec", "resources"), []),
    ("operator", ("tasks", 0, "spec", "resources"), "a.yaml"),
    ("operator", ("tasks", 3, "spec", "pipe", 0, "envFile"), "/b"),
    ("operator", ("tasks", 3, "spec", "pipe", 0, "file"), ""),
    ("operator", ("tasks", 3, "spec", "pipe", 0, "key"), "a.b"),
    ("params", ("parameters",), {"A": 1}),
    ("params", ("parameters", 0, "type"), "list"),
    ("params", ("parameters", 0, "default"), "maybe"),
    ("params", ("parameters", 1, "default"), "three"),
    ("params", ("parameters", 1, "default"), True),
    ("params", ("parameters", 2, "default"), "1e"),
    ("params", ("parameters", 3, "default"), {"a": "b"}),
    ("params", ("parameters", 4, "default"), ["a"]),
    ("params", ("groups", 0, "prio"), "first"),
]
"""Mistakes in both dialects."""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("name", "path", "value"), WRONG, ids=[f"{path[-1]}-{value}" for _, path, value in WRONG])
def test_mistake_is_refused(tmp_path: Path, name: SchemaName, path: FieldPath, value: object, dialect: str) -> None:
    documents = {"operator": {"apiVersion": dialect, **OPERATOR}, "params": {"apiVersion": dialect, **PARAMS}}
    documents[name] = changed(documents[name], path, value)
    assert errors(name, documents[name])
    assert problems(tmp_path / "package", documents["operator"], documents["params"])


TIMEOUTS = [
    "90s",
    "1h30m",
    "1.5h",
    ".5s",
    "100ms",
    "+5m",
    "1d",
    "0s",
    "0.0h",
    "",
    "5",
    "m",
    "5 m",
    "-5m",
    "5x",
    90,
    True,
]


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_schema_and_reader_agree_on_durations(tmp_path: Path, timeout: object) -> None:
    document = changed(OPERATOR, ("plans", "deploy", "timeout"), timeout, "kudo.dev/v1")
    found = problems(tmp_path / "package", document, PARAMS | {"apiVersion": "kudo.dev/v1"})
    assert bool(errors("operator", document)) == bool(found), found


VALUES = st.sampled_from(
    [None, "", "x", "a-b", "Serial", "90s", "true", 0, 1, 3, -2, 2.5, True, False, [], ["x"], [None], {}]
)
"""Values that replace a part of a document."""


def is_converted(key: object, old: object, value: object) -> bool:
    """Whether the reader may convert a value for a field, while the schema refuses it on purpose."""
    different = isinstance(value, bool | int | str) and type(old) is not type(value)
    return key != "default" and isinstance(old, bool | int) and different


def is_yaml_text(key: object, old: object, value: object) -> bool:
    """Whether a default is a list or map as text, which a schema cannot read."""
    return key == "default" and isinstance(old, list | dict) and isinstance(value, str)


@given(st.data())
def test_schema_and_reader_agree(data: st.DataObject) -> None:
    dialect = data.draw(st.sampled_from([*DIALECTS, None]), "dialect")
    documents: dict[SchemaName, dict[str, Any]] = {
        "operator": complete(dialect or "kudo.dev/v1beta1"),
        "params": {"apiVersion": dialect, **copy.deepcopy(PARAMS)},
    }
    if dialect is None:
        del documents["operator"]["apiVersion"]
    name = data.draw(st.sampled_from(SCHEMA_NAMES), "file")
    document = documents[name]
    path = data.draw(st.sampled_from([*paths(document)]), "path")
    parent: Any = document
    for key in path[:-1]:
        parent = parent[key]
    match data.draw(st.sampled_from(["replace", "delete", "add"]), "change"):
        case "replace":
            value = data.draw(VALUES, "value")
            replaced = (path[-1], parent[path[-1]], value)
            assume(not is_converted(*replaced) and not is_yaml_text(*replaced))
            parent[path[-1]] = value
        case "delete":
            del parent[path[-1]]
        case "add" if isinstance(parent, dict):
            parent[data.draw(st.sampled_from(["extra", "when", "timeout", "retry", "approval"]), "field")] = "90s"
    with tempfile.TemporaryDirectory() as directory:
        found = problems(Path(directory), documents["operator"], documents["params"])
    refused = errors("operator", documents["operator"]) + errors("params", documents["params"])
    assert bool(found) == bool(refused), (found, refused)


CONVERTED = [("wantErr", "true"), ("wantErr", 1), ("maxAttempts", "3"), ("maxAttempts", True)]


@pytest.mark.parametrize(("field", "value"), CONVERTED)
def test_schema_refuses_value_that_reader_converts(tmp_path: Path, field: str, value: object) -> None:
    """An editor that accepts `"true"` for true would hide a mistake, although the reader overlooks it."""
    path = ("tasks", 5, "spec", "wantErr") if field == "wantErr" else ("tasks", 0, "retry", "maxAttempts")
    document = changed(complete("kudo.dev/v1"), path, value)
    assert problems(tmp_path / "package", document, PARAMS | {"apiVersion": "kudo.dev/v1"}) == []
    assert errors("operator", document)
