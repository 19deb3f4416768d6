"""Read the files of a package into its model, and report all problems at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar, cast

from pydantic import ValidationError

from kudo.errors import PackageError
from kudo.model import values, yaml
from kudo.model.base import Manifest, Model
from kudo.model.objects import Object
from kudo.model.package import OperatorFile, Package, ParameterDefinition, ParamsFile
from kudo.model.parameters import Parameter
from kudo.model.validation import explain
from kudo.packages.dialect import newer_fields
from kudo.packages.fields import unknown_field_hint
from kudo.packages.references import reference_problems
from kudo.packages.source import Files, Location, read_files

M = TypeVar("M", bound=Model)


def read_package(place: Path | Location) -> Package:
    """Read a package from a directory or a .tgz.

    Raises PackageError with file, field and reason of every problem.
    """
    location = Location(place) if isinstance(place, Path) else place
    files = read_files(location)
    templates = {name.removeprefix("templates/"): text for name, text in files.items() if name.startswith("templates/")}
    problems: list[str] = []
    duplicates: list[str] = []
    raw_operator = _load(files, "operator.yaml", problems, duplicates)
    raw_params = _load(files, "params.yaml", problems, duplicates)
    operator = _model(OperatorFile, "operator.yaml", raw_operator, problems)
    params = _model(ParamsFile, "params.yaml", raw_params, problems)
    problems += reference_problems(Object(raw_operator or {}), Object(raw_params or {}), templates)
    problems += _default_problems(Object(raw_params or {}))
    problems += _dialect_problems(operator, params)
    if operator and operator.api_version != "kudo.dev/v1":
        problems += (f"operator.yaml: {problem}" for problem in newer_fields(Object(raw_operator or {})))
    if problems or operator is None or params is None:
        raise PackageError(str(location), problems)
    if operator.api_version == "kudo.dev/v1beta1":
        params = params.model_copy(update={"parameters": list(map(_with_empty_default, params.parameters))})
    ignored = [
        *_ignored_fields(OperatorFile, "operator.yaml", raw_operator or {}),
        *_ignored_fields(ParamsFile, "params.yaml", raw_params or {}),
    ]
    return Package(
        operator=operator, params=params, templates=templates, duplicate_keys=duplicates, ignored_fields=ignored
    )


def _with_empty_default(definition: ParameterDefinition) -> ParameterDefinition:
    """Return a definition whose array or map is empty by default, as in KUDO, although it is required."""
    if definition.type not in ("array", "map") or definition.default is not None or not definition.required:
        return definition
    return definition.model_copy(update={"default": [] if definition.type == "array" else {}})


def _load(files: Files, name: str, problems: list[str], duplicates: list[str]) -> Manifest | None:
    if name not in files:
        problems.append(f"{name}: is missing at the root of the package")
        return None
    found: list[str] = []
    try:
        document = yaml.load(files[name], found)
    except yaml.YamlError as error:
        problems.append(f"{name}: {error}")
        return None
    if document is None and name == "params.yaml":
        document = {}  # It may be empty, or a comment alone.
    if not isinstance(document, dict):
        problems.append(f"{name}: must be a YAML map")
        return None
    # As KUDO, its dialect takes the last value.
    strict = document.get("apiVersion") == "kudo.dev/v1"
    (problems if strict else duplicates).extend(f"{name}: {duplicate}" for duplicate in found)
    return cast(Manifest, document)


def _model(model: type[M], file: str, raw: Manifest | None, problems: list[str]) -> M | None:
    if raw is None:
        return None
    try:
        # KUDO ignores unknown fields, and so does its dialect here; `kudo.dev/v1` reports them, as they may be typos.
        extra: Literal["forbid", "ignore"] = "forbid" if raw.get("apiVersion") == "kudo.dev/v1" else "ignore"
        return model.model_validate(raw, extra=extra, by_alias=True, by_name=False)
    except ValidationError as error:
        problems += (f"{file}: {explanation}" for explanation in explain(error, raw, unknown_field_hint))
        return None


def _ignored_fields(model: type[Model], file: str, raw: Manifest) -> Iterator[str]:
    """Yield the fields that the dialect of KUDO ignores."""
    try:
        model.model_validate(raw, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        for problem in explain(error, raw, unknown_field_hint):
            if ": unknown field" in problem:
                yield f"{file}: {problem}"


def parameter_of(definition: ParameterDefinition) -> Parameter:
    """Return a parameter as an OperatorVersion stores it."""
    kind = definition.type
    enum = definition.enum
    return Parameter(
        name=definition.name,
        display_name=definition.display_name,
        description=definition.description,
        required=definition.required,
        default=None if definition.default is None else values.wrap(definition.default, kind),
        trigger=definition.trigger,
        type=kind,
        immutable=definition.immutable,
        enum=None if enum is None else [wrapped for value in enum if (wrapped := values.wrap(value, kind)) is not None],
    )


def _default_problems(params: Object) -> Iterator[str]:
    for raw in params.children("parameters"):
        try:
            parameter = parameter_of(ParameterDefinition.model_validate(raw.manifest))
        except ValidationError:
            continue  # Reported by the validation of the whole file.
        problem = values.problem(parameter, parameter.default) if parameter.default is not None else None
        if problem:
            yield f"params.yaml: parameters.{parameter.name}.default: {problem}, not {parameter.default!r}"


def _dialect_problems(operator: OperatorFile | None, params: ParamsFile | None) -> Iterator[str]:
    if operator and params and "api_version" in params.model_fields_set and operator.api_version != params.api_version:
        yield f"params.yaml: apiVersion: is {params.api_version}, but operator.yaml has {operator.api_version}"
