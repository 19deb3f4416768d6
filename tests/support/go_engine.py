"""Go's own template engine, in a process of its own, because an invalid template ends the process.

`python -m support.go_engine` reads one JSON request per line, [template, values], and prints one JSON string for each.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import JsonValue


class GoEngine:
    """Renders templates with Go; a context manager."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def render(self, template: str, values: JsonValue) -> str | None:
        """Return a template as Go renders it; None if Go reports an error."""
        if self._process is None:
            command = [sys.executable, "-m", "support.go_engine"]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=Path(__file__).parents[1],
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([template, values]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._end()
            return None
        rendered = json.loads(answer)
        assert isinstance(rendered, str)
        return rendered

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _serve() -> None:
    import go_template

    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "template"
        for line in sys.stdin:
            template, values = json.loads(line)
            file.write_text(template)
            print(json.dumps(go_template.render(file, values).decode(errors="replace")), flush=True)


if __name__ == "__main__":
    _serve()
