"""Jinja2 and Go templates behind one interface, rendered in separate processes with limits."""

from kudo.templates.engine import Engine
from kudo.templates.engines import condition_uses, engine_for, evaluate_conditions, render_all
from kudo.templates.health import apply_health_rules, check_rule
from kudo.templates.renderer import Renderer
from kudo.templates.usage import Use

__all__ = [
    "Engine",
    "Renderer",
    "Use",
    "apply_health_rules",
    "check_rule",
    "condition_uses",
    "engine_for",
    "evaluate_conditions",
    "render_all",
]
