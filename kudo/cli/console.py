"""The consoles of the command line, for results and for errors."""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters, except tabs and line breaks; YAML and JSON contain none as they are."""


class PlainConsole(Console):
    """A console for names and messages of packages and clusters.

    [Brackets] and :colons: in them are not markup, and escape sequences do not reach the terminal.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render something without control characters other than those that rich itself writes."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_CONTROL.sub("\ufffd", segment.text))


out = PlainConsole()
err = PlainConsole(stderr=True)


def with_severity(severity: str, colour: str, text: str) -> Text:
    """Return a message that begins with its severity."""
    return Text.assemble((f"{severity}:", f"bold {colour}"), f" {text}")
