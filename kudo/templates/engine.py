"""The interface of a template engine, and its errors."""

import re
from collections.abc import Iterator
from typing import Protocol

from pydantic import JsonValue

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates.usage import Use

MAX_CHARACTERS = 4_000_000
"""Maximum size of a template and of its rendered text, in characters."""


VARIABLES = (
    *("Name", "Namespace", "Params", "Pipes"),
    *("OperatorName", "OperatorVersion", "AppVersion", "PlanName", "PhaseName", "StepName"),
)
"""The variables of all templates."""

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")

_TYPES = frozenset(("bool", "bytes", "dict", "float", "function", "int", "list", "method", "NoneType", "str", "tuple"))
"""Types that errors of Python quote."""

_SHORT = 2
"""Length of a quoted text that no error hides: punctuation, for the most part."""

_WORD = 5
"""Length of a text without quotes that no error hides: a word of the error, for the most part."""


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


def without_values(reason: str, source: str, variables: JsonValue) -> str:
    """Return the reason of an error without values of variables, which may be secret.

    It keeps quoted texts that the source of the template contains, and types.
    """

    def shown(quoted: re.Match[str]) -> str:
        text = quoted[1] or quoted[2] or quoted[3] or ""
        return quoted[0] if len(text) <= _SHORT or text in _TYPES or text in source else "'…'"

    reason = _QUOTED.sub(shown, reason)
    for value in sorted(set(_texts(variables)), key=len, reverse=True):
        if len(value) > _WORD and value not in source:
            reason = reason.replace(value, "…")
    return reason


def _texts(value: JsonValue) -> Iterator[str]:
    """Yield the texts in a value, its keys included."""
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield from (key, *_texts(item))
        case list():
            for item in value:
                yield from _texts(item)
