"""package add: a parameter, a task, a plan or a maintainer."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import JsonValue

from kudo.cli.command import command, out
from kudo.errors import RequestError
from kudo.model import yaml
from kudo.model.base import JsonObject
from kudo.model.parameters import ParameterType
from kudo.packages.editing import add_maintainer, add_parameter, add_plan, add_task

app = typer.Typer(no_args_is_help=True, help="Add something to a package; its files keep their comments.")

Directory = Annotated[Path, typer.Option("--directory", "-d", help="Directory of the package.")]
HERE = Path()


@app.command()
@command
async def maintainer(
    name: Annotated[str, typer.Argument(help="Who it is.")],
    email: Annotated[str, typer.Argument(help="Where to write to.")],
    directory: Directory = HERE,
) -> None:
    """Name who looks after the operator."""
    add_maintainer(directory, name, email)
    out.print(f"{name} is added to operator.yaml.")


@app.command()
@command
async def parameter(
    name: Annotated[str, typer.Argument(help="Name of the parameter.")],
    default: Annotated[str | None, typer.Option("--default", help="Value where none is given, as YAML.")] = None,
    kind: Annotated[ParameterType, typer.Option("--type", help="What it holds.")] = "string",
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    trigger: Annotated[str, typer.Option("--trigger", help="Plan that a change runs.")] = "",
    optional: Annotated[bool, typer.Option("--optional", help="It may have no value.")] = False,
    immutable: Annotated[bool, typer.Option("--immutable", help="It cannot be changed once installed.")] = False,
    directory: Directory = HERE,
) -> None:
    """Add a parameter to params.yaml."""
    fields: JsonObject = {
        "name": name,
        "description": description or None,
        "type": None if kind == "string" else kind,
        "default": default if default is None or kind == "string" else _read(default),
        "required": False if optional else None,
        "trigger": trigger or None,
        "immutable": immutable or None,
    }
    add_parameter(directory, {field: value for field, value in fields.items() if value is not None})
    out.print(f"The parameter {name} is added to params.yaml.")


def _read(default: str) -> JsonValue:
    try:
        return yaml.load(default)
    except yaml.YamlError as error:
        raise RequestError(f"The default is no YAML: {error}") from None


@app.command()
@command
async def task(
    name: Annotated[str, typer.Argument(help="Name of the task.")],
    resources: Annotated[list[str], typer.Option("--resource", "-r", metavar="FILE", help="Template; several times.")],
    kind: Annotated[Literal["Apply", "Delete", "Toggle"], typer.Option("--kind", help="What it does.")] = "Apply",
    parameter: Annotated[str | None, typer.Option("--parameter", help="Of a Toggle: true applies.")] = None,
    directory: Directory = HERE,
) -> None:
    """Add a task to operator.yaml; templates that are not there are made, and empty."""
    spec: JsonObject = {"resources": [*resources]}
    if parameter:
        spec["parameter"] = parameter
    made = add_task(directory, {"name": name, "kind": kind, "spec": spec}, resources)
    out.print(f"The task {name} is added to operator.yaml.")
    for file in made:
        out.print(f"{file} is made, and empty.")


@app.command()
@command
async def plan(
    name: Annotated[str, typer.Argument(help="Name of the plan.")],
    tasks: Annotated[list[str], typer.Option("--task", "-t", help="Task, a step of its own; several times.")],
    strategy: Annotated[Literal["serial", "parallel"], typer.Option("--strategy", help="Of the steps.")] = "serial",
    phase: Annotated[str, typer.Option("--phase", help="Name of its phase.")] = "main",
    directory: Directory = HERE,
) -> None:
    """Add a plan of one phase to operator.yaml, with a step for each task."""
    steps: list[JsonObject] = [{"name": task, "tasks": [task]} for task in tasks]
    phases: JsonObject = {"name": phase, "strategy": strategy, "steps": [*steps]}
    add_plan(directory, name, {"strategy": "serial", "phases": [phases]})
    out.print(f"The plan {name} is added to operator.yaml.")
