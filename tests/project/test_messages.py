"""Commands in messages work as they are: they name the namespace."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "kudo"

COMMAND = re.compile(r"`kudo (plan \w+|update|upgrade|uninstall|rollback|logs|delete|install)\b[^`]*`")
"""A command about an instance or a namespace."""


def texts() -> Iterator[tuple[str, str]]:
    """Yield the strings of the code that are not docstrings, with the place of each; values are in braces."""
    for folder, _, names in os.walk(ROOT, followlinks=True):
        for file in (Path(folder) / name for name in names if name.endswith(".py")):
            tree = ast.parse(file.read_text())
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
            for node in ast.walk(tree):
                if id(node) in docstrings | parts:
                    continue
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield f"{file.name}:{node.lineno}", node.value
                elif isinstance(node, ast.JoinedStr):
                    yield f"{file.name}:{node.lineno}", ast.unparse(node)


def test_commands_in_messages_name_the_namespace() -> None:
    found = [(place, command[0]) for place, text in texts() for command in COMMAND.finditer(text)]
    # The name of a command alone is no command to type, and `options` has both names.
    typed = [(place, text) for place, text in found if " --" in text or "{" in text]
    assert len(typed) > 15
    assert [(place, text) for place, text in typed if "--namespace" not in text and "options" not in text] == []
