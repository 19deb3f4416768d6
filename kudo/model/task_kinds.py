"""The table of task kinds: for each, the fields that name templates, the activity, and the preview.

To add a kind, add its model to `kudo.model.tasks`, its activity to `activities`, and its row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Preview = Literal["none", "apply", "delete", "toggle", "pipe pod", "child instance"]
"""How a dry run shows a task; `kudo.operations.preview` implements each."""


@dataclass(frozen=True, slots=True)
class TaskKind:
    """The properties of a kind of task."""

    activity: str
    """The name of the activity that runs a task of this kind."""
    template_fields: tuple[str, ...] = ()
    """The fields of `spec` that name templates, by their names in operator.yaml: a string or a list of strings."""
    preview: Preview = "none"
    runs_child_plan: bool = False
    """Whether the activity returns the plan of a child Instance, which then runs as a child workflow."""
    has_pipe_pod: bool = False
    """Whether a pod has to be deleted when the task has ended."""


TASK_KINDS = {
    "Apply": TaskKind("apply", ("resources",), "apply"),
    "Delete": TaskKind("delete", ("resources",), "delete"),
    "Toggle": TaskKind("toggle", ("resources",), "toggle"),
    "Pipe": TaskKind("pipe", ("pod",), "pipe pod", has_pipe_pod=True),
    "KudoOperator": TaskKind("prepare_child", ("parameterFile",), "child instance", runs_child_plan=True),
    "Dummy": TaskKind("dummy"),
}


def template_names(kind: str, spec: object) -> list[str]:
    """Return the templates that the `spec` of a task names, in order; malformed fields name none."""
    found: list[str] = []
    for field in TASK_KINDS[kind].template_fields if kind in TASK_KINDS else ():
        value = spec.get(field) if isinstance(spec, Mapping) else None
        listed = value if isinstance(value, list) else [value]
        found += [name for name in listed if isinstance(name, str) and name]
    return found
