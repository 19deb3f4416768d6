"""Templates: Jinja2 and Go templates behind one interface, rendered where they can do no harm."""

from kudo.templates.engine import Engine
from kudo.templates.engines import condition_uses, engine_for, evaluate_conditions, render_all
from kudo.templates.health import check_rule, tell
from kudo.templates.renderer import Renderer
from kudo.templates.usage import Use

__all__ = [
    "Engine",
    "Renderer",
    "Use",
    "check_rule",
    "condition_uses",
    "engine_for",
    "evaluate_conditions",
    "render_all",
    "tell",
]
