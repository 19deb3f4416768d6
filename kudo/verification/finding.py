"""The findings of a verification."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a package. An error breaks the package in some use; a warning may be intended."""

    severity: Literal["error", "warning"]
    text: str

    @property
    def file(self) -> str:
        """The file that the finding is about: the beginning of its text."""
        return self.text.partition(":")[0]

    def __str__(self) -> str:
        return self.text


def error(text: str) -> Finding:
    """Create a finding of severity error."""
    return Finding("error", text)


def warning(text: str) -> Finding:
    """Create a finding of severity warning."""
    return Finding("warning", text)
