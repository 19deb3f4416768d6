"""One interface, two engines; nothing else asks which."""

from collections.abc import Mapping
from typing import Protocol

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates.usage import Use

MAX_CHARACTERS = 4_000_000
"""What one template may render to."""


class Engine(Protocol):
    """Renders templates of one dialect."""

    def render(self, name: str, source: str, variables: Variables) -> str:
        """Render one template.

        Raises TaskRenderingError, which names file, line and what was undefined or malformed.
        """

    def check(self, name: str, source: str) -> None:
        """Parse one template. Raises TaskRenderingError where it is malformed."""

    def uses(self, name: str, source: str) -> list[Use]:
        """What a template uses of its variables. Raises TaskRenderingError where it is malformed."""


def engine_for(api_version: str) -> Engine:
    """The engine of a dialect."""
    # Imported late: a process needs one engine at a time, and each costs a tenth of a second to import.
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
    """See `kudo.templates.conditions`, which is imported late, as an engine is."""
    from kudo.templates import conditions

    return conditions.condition_uses(where, expression)


def evaluate_conditions(wanted: Mapping[str, str], variables: Variables) -> dict[str, bool]:
    """See `kudo.templates.conditions`, which is imported late, as an engine is."""
    from kudo.templates import conditions

    return conditions.evaluate_conditions(wanted, variables)


def rendering_error(name: str, line: int | None, reason: str) -> TaskRenderingError:
    """An error that says where in the package it is."""
    where = f"templates/{name}:{line}" if line else f"templates/{name}"
    return TaskRenderingError(f"{where}: {reason}")
