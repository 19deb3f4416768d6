"""A package of KUDO's dialect, written again as one of `kudo.dev/v1`."""

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from pydantic import JsonValue

from kudo.conversion.expressions import NotCertain
from kudo.conversion.template import jinja_of
from kudo.errors import PackageError, RequestError, TaskRenderingError
from kudo.model import yaml
from kudo.model.execution import Variables
from kudo.model.package import Package, ParameterDefinition
from kudo.packages import read_package
from kudo.packages.files import require_empty, write_file
from kudo.templates import Renderer, engine_for
from kudo.templates.gotemplate import go_functions
from kudo.verification.templates import Place, places, sample_variables

OLD, NEW = "kudo.dev/v1beta1", "kudo.dev/v1"

_AT_ONCE = 10

_TOGETHER = 60
"""With how many values of all parameters at once."""

_TRIALS = 400
"""With how many values of its parameters a template is compared at the most."""


@dataclass(slots=True)
class Conversion:
    """What became of a package."""

    converted: list[str] = field(default_factory=list)
    """The templates that are Jinja2 now."""
    left: list[str] = field(default_factory=list)
    """What is left to the author, each with file, line and reason."""


async def convert(root: Path, destination: Path) -> Conversion:
    """Write a package of KUDO's dialect to another directory as one of `kudo.dev/v1`.

    A template is converted where the result renders to the same YAML whatever is tried, and is left as it is where
    not. Raises PackageError, or RequestError where there is nothing to convert, or something in the way.
    """
    package = read_package(root)
    if package.operator.api_version != OLD:
        raise RequestError(f"{root} is a package of {package.operator.api_version} already.")
    _copy(root, destination)
    conversion = Conversion()
    found = {place.name: place for place in places(package)}
    async with Renderer(processes=1) as renderer:
        for name, source in sorted(package.templates.items()):
            place = found.get(name, Place(name, "deploy", "phase", "step"))
            text, reason = await _convert(renderer, package, place, source)
            if reason:
                conversion.left.append(reason)
            else:
                write_file(destination / "templates" / name, text)
                conversion.converted.append(name)
    conversion.left += _what_is_wrong(destination)
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


def _what_is_wrong(destination: Path) -> list[str]:
    """What the stricter dialect does not take, such as fields that it does not know."""
    try:
        read_package(destination)
    except PackageError as error:
        return list(error.problems)
    return []


async def _convert(renderer: Renderer, package: Package, place: Place, source: str) -> tuple[str, str]:
    """The template in Jinja2, or why it is left to the author."""
    parameters = {definition.name: definition.type for definition in package.params.parameters}
    where = f"templates/{place.name}"
    variations = list(_variations(package, place, source))
    for exact in (False, True):
        try:
            text = jinja_of(source, parameters, go_functions(), exact=exact)
            engine_for(NEW).check(place.name, text)
        except NotCertain as reason:
            line = source.count("\n", 0, reason.start) + 1
            return "", f"{where}:{line}: {reason}"
        except TaskRenderingError as error:
            return "", str(error)
        if await _renders_alike(renderer, place.name, source, text, variations):
            return text, ""
    return "", f"{where}: what was tried renders to something else"


async def _renders_alike(renderer: Renderer, name: str, go: str, jinja: str, variations: list[Variables]) -> bool:
    # The time that rendering may take is meant for a few templates.
    for start in range(0, len(variations), _AT_ONCE):
        some = variations[start : start + _AT_ONCE]
        if not await renderer.run(f"templates/{name}", renders_alike, name, go, jinja, some):
            return False
    return True


def renders_alike(name: str, go: str, jinja: str, variations: list[Variables]) -> bool:
    """Whether two templates render to the same YAML for all these values."""
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
    """What a text means as YAML; the text itself where it is none."""
    try:
        return [document for _, document in yaml.load_documents(text, reject_duplicates=False) if document]
    except yaml.YamlError:
        return text


def _variations(package: Package, place: Place, source: str) -> Iterator[Variables]:
    """The defaults, then other values of all parameters that the template names, and then of one at a time."""
    base = sample_variables(package, place)
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
    # Always the same ones, so that a conversion can be repeated.
    chance = random.Random(0)
    together = ({name: chance.choice(listed) for name, listed in values.items()} for _ in range(_TOGETHER))
    for chosen in chain(together, islice(single, _TRIALS)):
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
