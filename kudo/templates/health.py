"""Health rules that a package sets on its objects: Jinja2 expressions over the fields of the object."""

from dataclasses import dataclass
from typing import Any

import jinja2

from kudo.model.base import Manifest
from kudo.templates.expressions import parse_expression
from kudo.templates.jinja import OF_TEMPLATES, environment, explain


@dataclass(frozen=True, slots=True)
class HealthRuleResult:
    """The health of an object by its rules."""

    ready: bool
    failed: str
    """The reason why the object will never be ready; empty if it has not failed."""
    problem: str = ""
    """The error of the rule `ready`, which cannot be evaluated yet; empty if there is none."""


def check_rule(where: str, rule: str) -> None:
    """Raise TaskRenderingError if a rule is not a valid expression."""
    parse_expression(environment(), where, rule)


def apply_health_rules(ready: str, failed: str, manifest: Manifest) -> HealthRuleResult:
    """Evaluate the rules, of which either may be empty, for an object; its fields are their variables.

    A missing field is false. A rule that cannot be evaluated, because a field does not exist yet, counts as false.
    """
    failure, _ = _evaluate(failed, manifest)
    is_ready, problem = _evaluate(ready, manifest)
    return HealthRuleResult(bool(is_ready), _reason(failure, failed), problem)


def _evaluate(rule: str, manifest: Manifest) -> tuple[Any, str]:
    """Return the value of a rule and an empty text; or false, and why the rule cannot be evaluated."""
    if not rule:
        return False, ""
    compiler = environment().overlay(undefined=jinja2.ChainableUndefined)
    try:
        return compiler.compile_expression(rule, undefined_to_none=False)(**manifest), ""
    except (jinja2.TemplateError, *OF_TEMPLATES) as error:
        return False, explain(error)


def _reason(failure: object, rule: str) -> str:
    """Return the text that a rule evaluates to, or the rule itself; empty if the object has not failed."""
    if not failure:
        return ""
    return failure if isinstance(failure, str) else f"`{rule}` is true"
