"""The two engines behind one interface; code outside this package does not depend on the engine.

The engines are imported late: a process needs one at a time, and each takes a tenth of a second to import.
"""

from collections.abc import Mapping

from kudo.model.execution import Variables
from kudo.templates.engine import MAX_CHARACTERS, Engine, rendering_error
from kudo.templates.usage import Use


def engine_for(api_version: str) -> Engine:
    """Return the engine of a dialect."""
    if api_version == "kudo.dev/v1":
        from kudo.templates.jinja import JinjaEngine

        return JinjaEngine()
    from kudo.templates.gotemplate import GoTemplateEngine

    return GoTemplateEngine()


def render_all(api_version: str, sources: Mapping[str, str], variables: Variables) -> dict[str, str]:
    """Render several templates of one package. Raises TaskRenderingError at the first that fails."""
    engine = engine_for(api_version)
    rendered = {}
    for name, source in sources.items():
        rendered[name] = engine.render(name, source, variables)
        if len(rendered[name]) > MAX_CHARACTERS:
            raise rendering_error(name, None, f"renders to more than {MAX_CHARACTERS:,} characters")
    return rendered


def condition_uses(where: str, expression: str) -> list[Use]:
    """See `kudo.templates.conditions`."""
    from kudo.templates import conditions

    return conditions.condition_uses(where, expression)


def evaluate_conditions(wanted: Mapping[str, str], variables: Variables) -> dict[str, bool]:
    """See `kudo.templates.conditions`."""
    from kudo.templates import conditions

    return conditions.evaluate_conditions(wanted, variables)
