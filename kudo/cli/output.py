"""Lists as people and as programs read them."""

import json

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from kudo.cli.command import out
from kudo.model import yaml
from kudo.operations.preview import TaskPreview

_wide = Console(highlight=False, soft_wrap=True, markup=False, emoji=False, width=10_000)


def print_as(output: str, content: JsonValue) -> None:
    """Print as JSON or YAML."""
    text = json.dumps(content, indent=2) if output == "json" else yaml.dump(content).rstrip()
    out.print(text)


def table(*columns: str) -> Table:
    """A table without frames, as kubectl has them."""
    new = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        new.add_column(column, no_wrap=True)
    return new


def print_table(full: Table) -> None:
    """Print a table as wide as it is: what is cut off cannot be read, nor found by grep."""
    _wide.print(full)


def objects_as_yaml(task: TaskPreview) -> str:
    """The objects as YAML documents; what is deleted is a comment, so that nobody applies it."""
    where = f"{task.phase}.{task.step}.{task.task}"
    if task.verb == "delete":
        return "\n".join([f"# {where}: deletes", *(f"#   {item.ref}" for item in task.objects)])
    documents = [f"---\n# {where}\n{yaml.dump(item.manifest)}" for item in task.objects]
    return "".join([*documents, *(f"# {where}: makes {text}\n" for text in task.creates)]).rstrip("\n")
