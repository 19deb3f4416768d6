"""The interface of a template engine."""

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


def rendering_error(name: str, line: int | None, reason: str) -> TaskRenderingError:
    """An error that says where in the package it is."""
    where = f"templates/{name}:{line}" if line else f"templates/{name}"
    return TaskRenderingError(f"{where}: {reason}")
