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
    """What a condition uses. Raises TaskRenderingError, which says where in the package it is and what is wrong."""
    return _parse(environment(), where, expression)


def evaluate_conditions(conditions: Mapping[str, str], variables: Variables) -> dict[str, bool]:
    """Whether each condition holds, by where in the package it is.

    Raises TaskRenderingError at the first that cannot be told.
    """
    compiler = environment()
    return {where: _evaluate(compiler, where, expression, variables) for where, expression in conditions.items()}


def _parse(compiler: jinja2.Environment, where: str, expression: str) -> list[Use]:
    uses = list(jinja_uses(parse_expression(compiler, f"{where}.when", expression)))
    for use in uses:
        if use.asked and use.path[0] == "Params" and len(use.path) == 2:
            name = ".".join(use.path)
            raise _error(
                where, f"every parameter is a string, and so is true; write `{name} | bool`, or compare {name}"
            )
    return uses


def _evaluate(compiler: jinja2.Environment, where: str, expression: str, variables: Variables) -> bool:
    _parse(compiler, where, expression)
    try:
        result = compiler.compile_expression(expression, undefined_to_none=False)(**variables)
        # Asking what is undefined for its text is how it is found.
        text = str(result)
    except (jinja2.TemplateError, *OF_TEMPLATES) as error:
        raise _error(where, explain(error)) from None
    if not isinstance(result, bool | str) or text not in values.BOOLEANS:
        raise _error(where, f"{expression!r} is neither true nor false")
    return values.BOOLEANS[text]


def _error(where: str, reason: str) -> TaskRenderingError:
    return TaskRenderingError(f"{where}.when: {reason}")
