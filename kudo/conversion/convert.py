"""The conversion of a package of KUDO's dialect to `kudo.dev/v1`.

    copy the package -> convert each template -> render both with many parameter values -> compare the YAML

A template is written if the results are equal: first in the form that a person would write, then with exact white
space. A template that cannot be converted stays as it is, and is reported with the reason.
"""

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from pydantic import JsonValue

from kudo.conversion.api_versions import rewrite_template
from kudo.conversion.expressions import NotConvertible
from kudo.conversion.template import jinja_of
from kudo.errors import PackageError, RequestError, TaskRenderingError
from kudo.model import yaml
from kudo.model.execution import Variables
from kudo.model.package import Package, ParameterDefinition
from kudo.packages import read_package
from kudo.packages.files import require_empty, write_file
from kudo.templates import Renderer, engine_for
from kudo.templates.gofunctions import go_functions
from kudo.verification.templates import Place, places, template_variables

OLD, NEW = "kudo.dev/v1beta1", "kudo.dev/v1"

_BATCH = 10
"""Variations that are rendered in one call, because the renderer's time limit is for a few templates."""

_COMBINED = 60
"""Variations that change all parameters of a template at once."""

_REWRITTEN = 20
"""Variations with which a template with other API versions is compared."""

_MAX_SINGLE = 400
"""Most variations that change a single parameter."""


@dataclass(slots=True)
class Conversion:
    """The result of a conversion."""

    converted: list[str] = field(default_factory=list)
    """Names of the templates that were converted to Jinja2."""
    left: list[str] = field(default_factory=list)
    """Problems that are left to the author, each with its file and reason, and the line if known."""


async def convert(root: Path, destination: Path, kubernetes: str = "") -> Conversion:
    """Convert a package of KUDO's dialect to one of `kudo.dev/v1` in another directory.

    With a minor version of Kubernetes, objects in API versions that it does not serve are rewritten as well. Templates
    that cannot be converted are copied. Raises PackageError if the package is invalid, and RequestError if
    it is of `kudo.dev/v1` already, or the directory is not empty or cannot be written.
    """
    package = read_package(root)
    if package.operator.api_version != OLD:
        raise RequestError(f"{root} is already a package of {package.operator.api_version}.")
    _copy(root, destination)
    conversion = Conversion()
    found = {place.name: place for place in places(package)}
    async with Renderer.of_command() as renderer:
        for name, source in sorted(package.templates.items()):
            place = found.get(name, Place(name, "deploy", "phase", "step"))
            text, reason = await _convert(renderer, package, place, source)
            if reason:
                conversion.left.append(reason)
            else:
                conversion.converted.append(name)
            if kubernetes:
                dialect, current = (OLD, source) if reason else (NEW, text)
                variations = list(islice(_variations(package, place, source), _REWRITTEN))
                text, left = await renderer.run(
                    f"templates/{name}", rewrite_template, dialect, name, current, variations, kubernetes
                )
                conversion.left += left
            if text:
                write_file(destination / "templates" / name, text)
    conversion.left += _remaining_problems(destination)
    return conversion


def _copy(root: Path, destination: Path) -> None:
    require_empty(destination)
    try:
        shutil.copytree(root, destination, dirs_exist_ok=True)
    except OSError as error:
        raise RequestError(f"{destination} cannot be written: {error.strerror or error}.") from None
    for file in ("operator.yaml", "params.yaml"):
        text = (root / file).read_text()
        changed, count = re.subn(r"^apiVersion:.*$", f"apiVersion: {NEW}", text, flags=re.MULTILINE)
        write_file(destination / file, changed if count else f"apiVersion: {NEW}\n{text}")


def _remaining_problems(destination: Path) -> list[str]:
    """Return the problems that only the stricter dialect reports, such as unknown fields."""
    try:
        read_package(destination)
    except PackageError as error:
        return list(error.problems)
    return []


async def _convert(renderer: Renderer, package: Package, place: Place, source: str) -> tuple[str, str]:
    """Return the template in Jinja2 and an empty string, or an empty string and why it cannot be converted."""
    parameters = {definition.name: definition.type for definition in package.params.parameters}
    location = f"templates/{place.name}"
    variations = list(_variations(package, place, source))
    for exact in (False, True):
        try:
            text = jinja_of(source, parameters, go_functions(), exact=exact)
            engine_for(NEW).check(place.name, text)
        except NotConvertible as part:
            line = source.count("\n", 0, part.start) + 1
            return "", f"{location}:{line}: cannot convert {part}"
        except TaskRenderingError as error:
            return "", str(error)
        if await _renders_alike(renderer, place.name, source, text, variations):
            return text, ""
    return "", f"{location}: cannot be converted: the result renders to other YAML"


async def _renders_alike(renderer: Renderer, name: str, go: str, jinja: str, variations: list[Variables]) -> bool:
    for start in range(0, len(variations), _BATCH):
        batch = variations[start : start + _BATCH]
        if not await renderer.run(f"templates/{name}", renders_alike, name, go, jinja, batch):
            return False
    return True


def renders_alike(name: str, go: str, jinja: str, variations: list[Variables]) -> bool:
    """Whether two templates render to the same YAML, or both fail, with each of these variables."""
    old, new = engine_for(OLD), engine_for(NEW)
    for variables in variations:
        outcomes = []
        for engine, source in ((old, go), (new, jinja)):
            try:
                outcomes.append(_documents(engine.render(name, source, variables)))
            except TaskRenderingError:
                outcomes.append(None)
        if outcomes[0] != outcomes[1]:
            return False
    return True


def _documents(text: str) -> object:
    """Return the YAML documents of a text, or the text itself if it is not YAML."""
    try:
        return [document for _, document in yaml.load_documents(text, duplicates=[]) if document]
    except yaml.YamlError:
        return text


def _variations(package: Package, place: Place, source: str) -> Iterator[Variables]:
    """Yield the defaults, then other values of all parameters that the template names, then of a single one each."""
    base = template_variables(package, place)
    yield base
    literals = re.findall(r'"([^"\n]*)"', source)
    values = {
        definition.name: _values(definition, literals)
        for definition in package.params.parameters
        if definition.name in source
    }
    params = base["Params"]
    assert isinstance(params, dict)
    single = ({name: value} for name, listed in values.items() for value in listed)
    # A fixed seed, so that a conversion can be repeated.
    chance = random.Random(0)
    combined = ({name: chance.choice(listed) for name, listed in values.items()} for _ in range(_COMBINED))
    for chosen in chain(combined, islice(single, _MAX_SINGLE)):
        yield {**base, "Params": {**params, **chosen}}


def _values(definition: ParameterDefinition, literals: list[str]) -> list[JsonValue]:
    match definition.type:
        case "boolean":
            return ["true", "false"]
        case "integer":
            return ["0", "1", "2", "3", "4", "12"]
        case "array":
            return [[], ["a"], ["a", "b"]]
        case "map":
            return [{}, {"b": "1", "a": "2", "C": "3"}]
    return list(dict.fromkeys(["", "other", "true", "false", *(definition.enum or ()), *literals]))
