"""Conditions (`when`) of packages of `kudo.dev/v1`: Jinja2 expressions that are true or false."""

from collections.abc import Mapping

import jinja2

from kudo.errors import TaskRenderingError
from kudo.model import values
from kudo.model.execution import Variables
from kudo.templates.expressions import parse_expression
from kudo.templates.jinja import OF_TEMPLATES, environment, explain
from kudo.templates.jinjausage import jinja_uses
from kudo.templates.usage import Use


def condition_uses(where: str, expression: str) -> list[Use]:
    """Return the variables that a condition uses. Raises TaskRenderingError with its location if it is malformed."""
    return _parse(environment(), where, expression)


def evaluate_conditions(conditions: Mapping[str, str], variables: Variables) -> dict[str, bool]:
    """Return whether each condition is true, by its location in the package.

    Raises TaskRenderingError at the first that cannot be evaluated.
    """
    compiler = environment()
    return {where: _evaluate(compiler, where, expression, variables) for where, expression in conditions.items()}


def _parse(compiler: jinja2.Environment, where: str, expression: str) -> list[Use]:
    uses = list(jinja_uses(parse_expression(compiler, f"{where}.when", expression)))
    for use in uses:
        if use.tested and use.path[0] == "Params" and len(use.path) == 2:
            name = ".".join(use.path)
            reason = "every parameter is a string, and every string that is not empty is true"
            raise _error(where, f"{reason}; write `{name} | bool`, or compare {name}")
    return uses


def _evaluate(compiler: jinja2.Environment, where: str, expression: str, variables: Variables) -> bool:
    _parse(compiler, where, expression)
    try:
        result = compiler.compile_expression(expression, undefined_to_none=False)(**variables)
        # Converting an undefined value to text raises UndefinedError.
        text = str(result)
    except (jinja2.TemplateError, *OF_TEMPLATES) as error:
        raise _error(where, explain(error)) from None
    if not isinstance(result, bool | str) or text not in values.BOOLEANS:
        raise _error(where, f"{expression!r} is neither true nor false")
    return values.BOOLEANS[text]


def _error(where: str, reason: str) -> TaskRenderingError:
    return TaskRenderingError(f"{where}.when: {reason}")
