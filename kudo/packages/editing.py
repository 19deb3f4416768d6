"""Add to the files of a package; comments and formatting are preserved."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from kudo.errors import PackageError, RequestError
from kudo.model.base import JsonObject
from kudo.model.yaml import YamlError, load
from kudo.packages.files import write_file
from kudo.packages.reader import read_package


def add_maintainer(root: Path, name: str, email: str) -> None:
    """Add a maintainer to operator.yaml. Raises PackageError or RequestError; then nothing has changed."""
    _edit(root, "operator.yaml", lambda content: _append(content, "maintainers", {"name": name, "email": email}))


def add_parameter(root: Path, parameter: JsonObject) -> None:
    """Add a parameter to params.yaml. Raises PackageError or RequestError; then nothing has changed."""
    trigger = parameter.get("trigger")
    if trigger and trigger not in read_package(root).operator.plans:
        raise RequestError(f"The parameter {parameter.get('name')} was not added: there is no plan {trigger!r}.")
    _edit(root, "params.yaml", lambda content: _append(content, "parameters", parameter))


def add_task(root: Path, task: JsonObject, templates: list[str]) -> list[Path]:
    """Add a task to operator.yaml; create the templates that do not exist, empty, and return them.

    Raises PackageError or RequestError; then nothing has changed.
    """
    created = [file for name in dict.fromkeys(templates) if not (file := root / "templates" / name).exists()]
    for file in created:
        write_file(file, "")
    try:
        _edit(root, "operator.yaml", lambda content: _append(content, "tasks", task))
    except (PackageError, RequestError):
        for file in created:
            file.unlink()
        raise
    return created


def add_plan(root: Path, name: str, plan: JsonObject) -> None:
    """Add a plan to operator.yaml. Raises PackageError or RequestError; then nothing has changed."""

    def add(content: CommentedMap) -> None:
        plans = content.setdefault("plans", CommentedMap())
        if name in plans:
            raise RequestError(f"The plan {name} already exists.")
        plans[name] = plan

    _edit(root, "operator.yaml", add)


def _append(content: CommentedMap, field: str, item: JsonObject) -> None:
    if not content.get(field):
        content[field] = CommentedSeq()
    content[field].append({key: _text(value) for key, value in item.items()})


def _text(value: JsonValue) -> JsonValue:
    """Return a string in quotes if the reader of packages (YAML 1.1) would read it as another type: yes, on, 0x10."""
    if not isinstance(value, str):
        return value
    try:
        is_plain = load(value) == value
    except YamlError:
        is_plain = False
    return value if is_plain else DoubleQuotedScalarString(value)


def _edit(root: Path, name: str, change: Callable[[CommentedMap], None]) -> None:
    """Change a file of a package; the package must be valid before and after."""
    read_package(root)
    file = root / name
    before = file.read_text()
    content = _load(file, before)
    change(content)
    after = io.StringIO()
    _yaml().dump(content, after)
    write_file(file, after.getvalue())
    try:
        read_package(root)
    except PackageError:
        write_file(file, before)
        raise


def _load(file: Path, text: str) -> CommentedMap:
    try:
        content: Any = _yaml().load(text)
    except YAMLError as error:
        raise RequestError(f"{file} cannot be edited: {error}") from None
    assert isinstance(content, CommentedMap)
    return content


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
