"""Templates: Jinja2 and Go templates behind one interface, rendered where they can do no harm."""

from kudo.templates.engine import Engine, check_condition, engine_for, evaluate_conditions, render_all
from kudo.templates.renderer import Renderer

__all__ = ["Engine", "Renderer", "check_condition", "engine_for", "evaluate_conditions", "render_all"]
