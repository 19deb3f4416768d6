"""Tables for people; JSON and YAML for programs."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import JsonValue
from rich.cells import cell_len
from rich.table import Table

from kudo.cli.console import PlainConsole, out
from kudo.model import yaml

if TYPE_CHECKING:
    from kudo.operations.preview import TaskPreview

NARROWEST = 8
"""Characters to which a column may be cut."""

_wide = PlainConsole(width=10_000)


def print_as(output: str, content: JsonValue) -> None:
    """Print content as JSON or YAML."""
    text = json.dumps(content, indent=2) if output == "json" else yaml.dump(content).rstrip()
    out.print(text)


def table(*columns: str) -> Table:
    """Return an empty table without frames, as kubectl prints them."""
    new = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        new.add_column(column, no_wrap=True, overflow="ellipsis")
    return new


def print_table(full: Table, *, wide: bool = False) -> None:
    """Print a table: in a terminal within its width unless `wide`, elsewhere in its full width, because of grep."""
    if out.is_terminal and not wide:
        _fit(full, out.width)
    _wide.print(full)


def _fit(full: Table, width: int) -> None:
    """Limit the widest columns of a table, so that it fits a width; what does not fit ends with an ellipsis."""
    widths = [
        max((cell_len(str(cell)) for cell in (column.header, *column.cells)), default=0) for column in full.columns
    ]
    between = 2 * (len(widths) - 1)
    while sum(widths) + between > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    for column, limit in zip(full.columns, widths, strict=True):
        column.max_width = limit


def show_age(since: datetime | None) -> str:
    """Return the time since then as kubectl does: 45s, 12m, 5h, 3d; empty without a time."""
    if since is None:
        return ""
    seconds = max(0, int((datetime.now(UTC) - since).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def objects_as_yaml(task: "TaskPreview") -> str:
    """Return the objects of a task as YAML documents; objects to delete are comments, so that nobody applies them."""
    place = f"{task.phase}.{task.step}.{task.task}"
    if task.verb == "delete":
        return "\n".join([f"# {place}: deletes", *(f"#   {item.ref}" for item in task.objects)])
    documents = [f"---\n# {place}\n{yaml.dump(item.manifest)}" for item in task.objects]
    return "".join([*documents, *(f"# {place}: creates {text}\n" for text in task.creates)]).rstrip("\n")
