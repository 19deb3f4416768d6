"""Parameters of an Instance: given, checked against the operator's, and as templates see them."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from kudo.errors import InvalidParams, RequestError, ToggleTaskError, bullets
from kudo.model import values, yaml
from kudo.model.execution import Variables
from kudo.model.parameters import Parameter, ParameterType
from kudo.model.tasks import ToggleTask


def check_parameters(parameters: Iterable[Parameter], given: Mapping[str, str]) -> None:
    """Check that all values are of known parameters and allowed, and that nothing required is missing.

    Raises InvalidParams with everything that is wrong.
    """
    problems = list(_problems({parameter.name: parameter for parameter in parameters}, given))
    if problems:
        raise InvalidParams(f"The parameters are not right:{bullets(problems)}")


def _problems(known: Mapping[str, Parameter], given: Mapping[str, str]) -> Iterator[str]:
    for name, value in given.items():
        if name not in known:
            yield f"{name}: there is no such parameter{_suggestion(name, known)}"
        elif wrong := values.problem(known[name], value):
            yield f"{name}: {wrong}"
    for name, parameter in known.items():
        if parameter.required and parameter.default is None and name not in given:
            description = f" ({parameter.description.strip()})" if parameter.description else ""
            yield f"{name}: is required and has no default{description}; give it with -p {name}=…"


def _suggestion(name: str, known: Mapping[str, Parameter]) -> str:
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""


def template_values(parameters: Iterable[Parameter], given: Mapping[str, str]) -> Variables:
    """What templates see as Params: given values and defaults, arrays and maps unwrapped (KUDO's `ParamsMap`).

    Raises InvalidParams for an array or map that is no YAML.
    """
    result: Variables = {}
    for parameter in parameters:
        try:
            result[parameter.name] = values.unwrap(given.get(parameter.name, parameter.default), parameter.type)
        except yaml.YamlError as error:
            raise InvalidParams(f"The parameter {parameter.name} is no YAML: {error}") from None
    return result


def effective_values(parameters: Iterable[Parameter], given: Mapping[str, str]) -> dict[str, str | None]:
    """The value of every parameter, given or default."""
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in parameters}


def is_on(task: ToggleTask, params: Variables) -> bool:
    """Whether a Toggle task applies or deletes. Raises ToggleTaskError where its parameter does not say."""
    name = task.spec.parameter
    value = params.get(name)
    if not isinstance(value, str) or value not in values.BOOLEANS:
        why = "is not defined" if name not in params else "is neither true nor false"
        raise ToggleTaskError(f"The task {task.name} is toggled by the parameter {name}, and that {why}.")
    return values.BOOLEANS[value]


def read_values(what: str, text: str) -> dict[str, str]:
    """The values of a YAML file of parameters, as strings (KUDO's `pkg/kudoctl/cmd/params`).

    Raises InvalidParams, in which `what` names the file.
    """
    try:
        content = yaml.load(text)
    except yaml.YamlError as error:
        raise InvalidParams(f"The parameter file {what} is no YAML: {error}") from None
    if content is not None and not isinstance(content, dict):
        raise InvalidParams(f"The parameter file {what} must be a YAML map of names and values.")
    result = {}
    for name, value in (content or {}).items():
        kind: ParameterType = "string"
        if isinstance(value, list | dict):
            kind = "array" if isinstance(value, list) else "map"
        wrapped = values.wrap(value, kind)
        if wrapped is None:
            raise InvalidParams(f"The parameter file {what} has no value for {name}; null is none.")
        result[name] = wrapped
    return result


def require_unchanged(parameters: Iterable[Parameter], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise RequestError where a parameter changes that must not."""
    fixed = [
        parameter.name
        for parameter in parameters
        if parameter.immutable
        and after.get(parameter.name, parameter.default) != before.get(parameter.name, parameter.default)
    ]
    if fixed:
        raise RequestError(f"{', '.join(fixed)} cannot be changed once an instance is installed.")


def with_fixed(parameters: Iterable[Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """What is given, and the defaults of what cannot be changed: a later version may have others."""
    fixed = {parameter.name: parameter.default for parameter in parameters if parameter.immutable}
    return {**{name: default for name, default in fixed.items() if default is not None}, **given}
