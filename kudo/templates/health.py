"""Rules of health that a package gives its objects: Jinja2 expressions over what the object is."""

from dataclasses import dataclass
from typing import Any

import jinja2

from kudo.model.base import Manifest
from kudo.templates.expressions import parse_expression
from kudo.templates.jinja import OF_TEMPLATES, environment, explain


@dataclass(frozen=True, slots=True)
class Told:
    """What the rules say of an object."""

    ready: bool
    failed: str
    """Why it will never be ready; empty where that is not so."""
    problem: str = ""
    """Why it cannot be told yet."""


def check_rule(where: str, rule: str) -> None:
    """Raise TaskRenderingError for a rule that is no expression."""
    parse_expression(environment(), where, rule)


def tell(ready: str, failed: str, manifest: Manifest) -> Told:
    """Apply the rules, of which either may be empty, to an object; its fields are their variables.

    What is not there is false; what cannot be compared because something is not there yet has neither failed nor is it
    ready.
    """
    broken, _ = _value(failed, manifest)
    is_ready, problem = _value(ready, manifest)
    return Told(bool(is_ready), _reason(broken, failed), problem)


def _value(rule: str, manifest: Manifest) -> tuple[Any, str]:
    """What a rule says, and why it cannot be told."""
    if not rule:
        return False, ""
    compiler = environment().overlay(undefined=jinja2.ChainableUndefined)
    try:
        return compiler.compile_expression(rule, undefined_to_none=False)(**manifest), ""
    except (jinja2.TemplateError, *OF_TEMPLATES) as error:
        return False, explain(error)


def _reason(broken: object, rule: str) -> str:
    """The words that a rule has for it, or the rule itself."""
    if not broken:
        return ""
    return broken if isinstance(broken, str) else f"`{rule}` holds"
