"""Parameters of an Instance: read them, check them against the operator, and prepare them for templates."""

from collections.abc import Iterable, Iterator, Mapping

from kudo.errors import InvalidParams, RequestError, ToggleTaskError, bullets
from kudo.model import values, yaml
from kudo.model.execution import Variables
from kudo.model.parameter_types import ParameterType
from kudo.model.parameters import Parameter
from kudo.model.suggestion import did_you_mean
from kudo.model.tasks import ToggleTask


def check_parameters(parameters: Iterable[Parameter], given: Mapping[str, str]) -> None:
    """Check that the values are of known parameters and allowed, and that no required parameter is missing.

    Raises InvalidParams with all problems.
    """
    problems = list(_problems({parameter.name: parameter for parameter in parameters}, given))
    if problems:
        raise InvalidParams(f"Invalid parameters:{bullets(problems)}")


def _problems(known: Mapping[str, Parameter], given: Mapping[str, str]) -> Iterator[str]:
    for name, value in given.items():
        if name not in known:
            yield f"{name}: there is no such parameter{did_you_mean(name, known)}"
        elif problem := values.problem(known[name], value):
            yield f"{name}: {problem}"
    for name, parameter in known.items():
        if parameter.required and parameter.default is None and name not in given:
            description = f" ({parameter.description.strip()})" if parameter.description else ""
            yield f"{name}: is required and has no default{description}; set it with -p {name}=…"


def template_values(parameters: Iterable[Parameter], given: Mapping[str, str]) -> Variables:
    """Return `Params` for templates: given values and defaults, arrays and maps unwrapped (KUDO's `ParamsMap`).

    Raises InvalidParams for an array or map that is not valid YAML.
    """
    result: Variables = {}
    for parameter in parameters:
        try:
            result[parameter.name] = values.unwrap(given.get(parameter.name, parameter.default), parameter.type)
        except yaml.YamlError as error:
            raise InvalidParams(f"The parameter {parameter.name} is not valid YAML: {error}") from None
    return result


def checked_values(parameters: Iterable[Parameter], given: Mapping[str, str]) -> Variables:
    """Return `template_values` of checked parameters. Raises InvalidParams.

    Values are strangers' input, which takes time and memory to parse, so a worker calls this in its renderer.
    """
    known = list(parameters)
    check_parameters(known, given)
    return template_values(known, given)


def effective_values(parameters: Iterable[Parameter], given: Mapping[str, str]) -> dict[str, str | None]:
    """Return the value of every parameter, given or default."""
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in parameters}


def is_on(task: ToggleTask, params: Variables) -> bool:
    """Whether a Toggle task applies instead of deletes. Raises ToggleTaskError if its parameter is not a boolean."""
    name = task.spec.parameter
    value = params.get(name)
    if not isinstance(value, str) or value not in values.BOOLEANS:
        reason = "is not defined" if name not in params else "is neither true nor false"
        raise ToggleTaskError(f"The parameter {name}, which toggles the task {task.name}, {reason}.")
    return values.BOOLEANS[value]


def read_values(file: str, text: str) -> dict[str, str]:
    """Return the values of a YAML file of parameters, as strings (KUDO's `pkg/kudoctl/cmd/params`).

    Raises InvalidParams, which names `file`.
    """
    try:
        content = yaml.load(text)
    except yaml.YamlError as error:
        raise InvalidParams(f"The parameter file {file} is not valid YAML: {error}") from None
    if content is not None and not isinstance(content, dict):
        raise InvalidParams(f"The parameter file {file} must be a YAML map of names and values.")
    result = {}
    for name, value in (content or {}).items():
        kind: ParameterType = "string"
        if isinstance(value, list | dict):
            kind = "array" if isinstance(value, list) else "map"
        wrapped = values.wrap(value, kind)
        if wrapped is None:
            raise InvalidParams(f"The parameter file {file} has no value for {name}; null is not a value.")
        result[name] = wrapped
    return result


def require_unchanged(parameters: Iterable[Parameter], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise RequestError if an immutable parameter changes."""
    fixed = [
        parameter.name
        for parameter in parameters
        if parameter.immutable
        and after.get(parameter.name, parameter.default) != before.get(parameter.name, parameter.default)
    ]
    if fixed:
        raise RequestError(f"{', '.join(fixed)} cannot be changed once an instance is installed.")


def with_fixed(parameters: Iterable[Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """Return the given values with the defaults of immutable parameters, because a later version may change these."""
    fixed = {parameter.name: parameter.default for parameter in parameters if parameter.immutable}
    return {**{name: default for name, default in fixed.items() if default is not None}, **given}
