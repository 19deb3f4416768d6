"""package and render: write packages, check them, and see what they apply, without a cluster."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import JsonValue

from kudo.cli.command import command, err, out, said
from kudo.cli.options import (
    AppVersion,
    LocalPackage,
    OperatorVersion,
    Output,
    Package,
    ParameterFiles,
    Parameters,
    Repository,
    local,
    read_parameters,
)
from kudo.cli.output import objects_as_yaml, print_as, print_table, table
from kudo.conversion import convert
from kudo.errors import RequestError
from kudo.instances.triggers import DEPLOY
from kudo.model import yaml
from kudo.model.base import JsonObject
from kudo.model.execution import PlanRequest
from kudo.model.package import Package as PackageContent
from kudo.model.parameters import ParameterType
from kudo.model.tree import plan_tree
from kudo.operations import preview
from kudo.operations.preview import new_instance
from kudo.packages import (
    Location,
    PackageResolver,
    SchemaName,
    parameter_of,
    read_package,
    schema_file,
    write_archive,
    write_skeleton,
)
from kudo.packages.editing import add_maintainer, add_parameter, add_plan, add_task
from kudo.templates import Renderer
from kudo.verification import dependency_findings, verify

app = typer.Typer(no_args_is_help=True, help="Write packages.")
listing = typer.Typer(no_args_is_help=True, help="List what a package has.")
app.add_typer(listing, name="list")
adding = typer.Typer(no_args_is_help=True, help="Add something to a package; its files keep their comments.")
app.add_typer(adding, name="add")

Directory = Annotated[Path, typer.Option("--directory", "-d", help="Directory of the package.")]
HERE = Path()


@app.command(name="new")
@command
async def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the operator.")],
    directory: Annotated[Path | None, typer.Option(help="Where to write it; by default a folder of that name.")] = None,
) -> None:
    """Write a package to begin with, which works as it is."""
    for file in write_skeleton(name, directory or Path(name)):
        out.print(str(file))


@app.command(name="verify")
@command
async def verify_package(package: LocalPackage) -> None:
    """Say what is wrong with a package, and what looks as if it were; fails where something is wrong."""
    directory = local(package)
    content = read_package(directory)
    await _require_verified(content, directory)
    out.print(f"The package {content.operator_version_name} is valid.")


@app.command()
@command
async def create(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="The package.")],
    destination: Annotated[Path, typer.Option("--destination", "-d", help="Where to write the .tgz.")] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace one that is there.")] = False,
) -> None:
    """Write a package as a .tgz; the same files always make the same archive."""
    if directory.is_file():
        raise RequestError(f"{directory} is a file; a package is made of a directory.")
    content = read_package(directory)
    await _require_verified(content, directory)
    out.print(f"Package created: {await write_archive(directory, content, destination, overwrite=overwrite)}")


@app.command("convert")
@command
async def convert_package(
    package: LocalPackage,
    destination: Annotated[Path, typer.Argument(metavar="DESTINATION", help="Directory that is not there yet.")],
) -> None:
    """Write a package of KUDO's dialect as one of kudo.dev/v1, with Jinja2 templates; fails where something is left."""
    directory = local(package)
    if directory.is_file():
        raise RequestError(f"{directory} is a file; only a directory can be converted.")
    done = await convert(directory, destination)
    count = len(done.converted)
    out.print(f"{destination} has {'1 template' if count == 1 else f'{count} templates'} in Jinja2.")
    if done.left:
        err.print("What is left to you:")
        for reason in done.left:
            err.print(f"  - {reason}")
        raise typer.Exit(1)


@app.command()
@command
async def schema(
    file: Annotated[
        SchemaName, typer.Argument(metavar="FILE", help="operator for operator.yaml, params for params.yaml.")
    ],
) -> None:
    """Print the JSON Schema of operator.yaml or params.yaml, for editors; it covers both dialects."""
    out.print(schema_file(file), end="")


async def _require_verified(content: PackageContent, path: Path) -> None:
    """Print what was found, and exit with status 1 where there are errors."""
    found = [*await dependency_findings(Location(path)), *await verify(content)]
    for finding in found:
        colour = "red" if finding.severity == "error" else "yellow"
        err.print(said(finding.severity.capitalize(), colour, finding.text))
    errors = sum(finding.severity == "error" for finding in found)
    if errors:
        err.print(f"The package {content.operator_version_name} has {errors} error{'s' if errors > 1 else ''}.")
        raise typer.Exit(1)


@listing.command()
@command
async def parameters(
    package: LocalPackage,
    descriptions: Annotated[bool, typer.Option("--descriptions", "-d", help="With their descriptions.")] = False,
    required: Annotated[bool, typer.Option("--required", "-r", help="Only those that need a value.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Nothing but their names.")] = False,
    output: Output = None,
) -> None:
    """List the parameters of a package."""
    defined = [parameter_of(definition) for definition in read_package(local(package)).params.parameters]
    shown = [one for one in defined if not required or (one.required and one.default is None)]
    if output:
        print_as(output, [one.to_json() for one in shown])
    elif names:
        for one in shown:
            out.print(one.name)
    else:
        listed = table("NAME", "TYPE", "DEFAULT", "REQUIRED", *(["DESCRIPTION"] if descriptions else []))
        for one in shown:
            default = " ".join((one.default or "").split())
            text = [" ".join(one.description.split())] if descriptions else []
            listed.add_row(one.name, one.type, default, "yes" if one.required else "no", *text)
        print_table(listed)


@listing.command()
@command
async def tasks(package: LocalPackage, output: Output = None) -> None:
    """List the tasks of a package."""
    found = read_package(local(package)).operator.tasks
    if output:
        print_as(output, [task.to_json() for task in found])
        return
    listed = table("NAME", "KIND", "TEMPLATES")
    for task in found:
        listed.add_row(task.name, task.kind, ", ".join(task.template_names()))
    print_table(listed)


@listing.command()
@command
async def plans(package: LocalPackage, output: Output = None) -> None:
    """Show the plans of a package as trees."""
    content = read_package(local(package))
    if output:
        print_as(output, {name: plan.to_json() for name, plan in content.operator.plans.items()})
        return
    out.print(plan_tree(content.operator.name, content.operator.plans))


@adding.command("maintainer")
@command
async def new_maintainer(
    name: Annotated[str, typer.Argument(help="Who it is.")],
    email: Annotated[str, typer.Argument(help="Where to write to.")],
    directory: Directory = HERE,
) -> None:
    """Name who looks after the operator."""
    add_maintainer(directory, name, email)
    out.print(f"{name} is added to operator.yaml.")


@adding.command("parameter")
@command
async def new_parameter(
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
        "default": default if default is None or kind == "string" else _read_default(default),
        "required": False if optional else None,
        "trigger": trigger or None,
        "immutable": immutable or None,
    }
    add_parameter(directory, {field: value for field, value in fields.items() if value is not None})
    out.print(f"The parameter {name} is added to params.yaml.")


def _read_default(default: str) -> JsonValue:
    try:
        return yaml.load(default)
    except yaml.YamlError as error:
        raise RequestError(f"The default is no YAML: {error}") from None


@adding.command("task")
@command
async def new_task(
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


@adding.command("plan")
@command
async def new_plan(
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


@command
async def render(
    package: Package,
    plan: Annotated[str, typer.Option("--plan", "--name", help="The plan.")] = DEPLOY,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Name of the instance; by default OPERATOR-instance.")
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace.")] = "default",
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    repo: Repository = "",
    operator_version: OperatorVersion = "",
    app_version: AppVersion = "",
) -> None:
    """Print what a plan of a package would apply, as YAML, without a cluster."""
    with PackageResolver(repo) as resolver:
        content = (await resolver.resolve(package, operator_version, app_version)).package
    request = PlanRequest(
        namespace=namespace or "default",
        instance=instance or f"{content.operator.name}-instance",
        plan=plan,
        parameters=read_parameters(parameter, parameter_file),
    )
    async with Renderer(processes=1) as renderer:
        async for task in preview(*new_instance(content, request), renderer, request):
            out.print(objects_as_yaml(task))
