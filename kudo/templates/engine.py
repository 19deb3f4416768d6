"""The interface of a template engine."""

from typing import Protocol

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates.usage import Use

MAX_CHARACTERS = 4_000_000
"""Maximum size of a template and of its rendered text, in characters."""


class Engine(Protocol):
    """Renders templates of one dialect."""

    def render(self, name: str, source: str, variables: Variables) -> str:
        """Render one template.

        Raises TaskRenderingError with file, line and reason if a variable is undefined or the template is malformed.
        """

    def check(self, name: str, source: str) -> None:
        """Parse one template. Raises TaskRenderingError if it is malformed."""

    def uses(self, name: str, source: str) -> list[Use]:
        """Return the variables that a template uses. Raises TaskRenderingError if it is malformed."""


def rendering_error(name: str, line: int | None, reason: str) -> TaskRenderingError:
    """Return an error with the template, and its line if known."""
    where = f"templates/{name}:{line}" if line else f"templates/{name}"
    return TaskRenderingError(f"{where}: {reason}")
