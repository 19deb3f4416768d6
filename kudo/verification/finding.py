"""The findings of a verification."""

import re
from dataclasses import dataclass
from typing import Literal

from kudo.model.base import JsonObject

_FILE = re.compile(r"(operator\.yaml|params\.yaml|templates/[^:]*?)(?::(\d+))?(?:: |$)")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a package. An error breaks the package in some use; a warning may be intended."""

    severity: Literal["error", "warning"]
    text: str

    @property
    def file(self) -> str:
        """The file that the finding is about, at the beginning of its text; empty for one of the package as a whole."""
        found = _FILE.match(self.text)
        return found[1] if found else ""

    @property
    def line(self) -> int | None:
        """The line in the file, if the text has it."""
        found = _FILE.match(self.text)
        return int(found[2]) if found and found[2] else None

    @property
    def message(self) -> str:
        """The text without file and line."""
        found = _FILE.match(self.text)
        return self.text[found.end() :] if found else self.text

    def to_json(self) -> JsonObject:
        """Return the finding for programs."""
        return {"severity": self.severity, "file": self.file, "line": self.line, "message": self.message}

    def __str__(self) -> str:
        return self.text


def error(text: str) -> Finding:
    """Create a finding of severity error."""
    return Finding("error", text)


def warning(text: str) -> Finding:
    """Create a finding of severity warning."""
    return Finding("warning", text)
