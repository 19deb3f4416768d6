"""What is wrong with a package, or looks as if it were."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """An error keeps a package from working somewhere; a warning is something that its author should look at."""

    severity: Literal["error", "warning"]
    text: str

    @property
    def file(self) -> str:
        """The file that it is about, with which its text begins."""
        return self.text.partition(":")[0]

    def __str__(self) -> str:
        return self.text


def error(text: str) -> Finding:
    return Finding("error", text)


def warning(text: str) -> Finding:
    return Finding("warning", text)
