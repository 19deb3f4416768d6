"""Tables for people; JSON and YAML for programs."""

import json

from pydantic import JsonValue
from rich.table import Table

from kudo.cli.command import PlainConsole, out
from kudo.model import yaml
from kudo.operations.preview import TaskPreview

_wide = PlainConsole(width=10_000)


def print_as(output: str, content: JsonValue) -> None:
    """Print content as JSON or YAML."""
    text = json.dumps(content, indent=2) if output == "json" else yaml.dump(content).rstrip()
    out.print(text)


def table(*columns: str) -> Table:
    """Return an empty table without frames, as kubectl prints them."""
    new = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        new.add_column(column, no_wrap=True)
    return new


def print_table(full: Table) -> None:
    """Print a table in its full width: grep cannot find text that is cut off."""
    _wide.print(full)


def objects_as_yaml(task: TaskPreview) -> str:
    """Return the objects of a task as YAML documents; objects to delete are comments, so that nobody applies them."""
    place = f"{task.phase}.{task.step}.{task.task}"
    if task.verb == "delete":
        return "\n".join([f"# {place}: deletes", *(f"#   {item.ref}" for item in task.objects)])
    documents = [f"---\n# {place}\n{yaml.dump(item.manifest)}" for item in task.objects]
    return "".join([*documents, *(f"# {place}: creates {text}\n" for text in task.creates)]).rstrip("\n")
