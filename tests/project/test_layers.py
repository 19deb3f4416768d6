"""What import-linter cannot see: worker.py is a module, not a package."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_the_worker_stands_below_the_command_line() -> None:
    above = {"kudo.cli", "kudo.sandbox"}
    assert not [name for name in imported(ROOT / "worker.py") if ".".join(name.split(".")[:2]) in above]


def test_no_file_is_too_long() -> None:
    sources = [file for folder in ("kudo", "workflows", "activities") for file in (ROOT / folder).rglob("*.py")]
    long = {str(file): lines for file in sources if (lines := len(file.read_text().splitlines())) > 300}
    assert not long
