"""package and render: create, verify, list and render packages without a cluster."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kudo import __version__
from kudo.cli.command import command
from kudo.cli.options import (
    AppVersion,
    LocalPackageArgument,
    OperatorVersionOption,
    Output,
    PackageArgument,
    ParameterFiles,
    Parameters,
    Repository,
    RewriteApiVersions,
    TableOutput,
    local_path,
    read_parameters,
)
from kudo.errors import PackageError, RequestError
from kudo.model.kubernetes import KUBERNETES_VERSION
from kudo.model.parameter_types import ParameterType

if TYPE_CHECKING:
    from pydantic import JsonValue

    from kudo.model.base import JsonObject
    from kudo.model.package import Package
    from kudo.verification import Finding

app = typer.Typer(no_args_is_help=True, help="Create, verify and change packages.")
listing = typer.Typer(no_args_is_help=True, help="List the parameters, tasks or plans of a package.")
app.add_typer(listing, name="list")
adding = typer.Typer(no_args_is_help=True, help="Add an element to a package; comments in its files are kept.")
app.add_typer(adding, name="add")

Directory = Annotated[Path, typer.Option("--directory", "-d", help="Directory of the package.")]
HERE = Path()


def _is_minor_version(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"v?1\.[0-9]{1,3}(\.[0-9]+)?", value):
        raise typer.BadParameter(f"must be a version of Kubernetes such as {KUBERNETES_VERSION}")
    return value


Kubernetes = Annotated[
    str,
    typer.Option("--kubernetes", metavar="VERSION", help="Version of Kubernetes.", callback=_is_minor_version),
]


@app.command(name="new")
@command
async def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the operator.")],
    directory: Annotated[Path | None, typer.Option(help="Directory to create. Default: NAME.")] = None,
) -> None:
    """Create a package that works as it is, as a starting point."""
    from kudo.cli.console import out
    from kudo.packages import write_skeleton

    for file in write_skeleton(name, directory or Path(name)):
        out.print(str(file))


@app.command(name="verify")
@command
async def verify_package(
    package: LocalPackageArgument,
    kubernetes: Kubernetes = KUBERNETES_VERSION,
    output: Annotated[
        Literal["json", "sarif"] | None, typer.Option("--output", "-o", help="Output format, for programs.")
    ] = None,
) -> None:
    """Check a package, and print errors and warnings.

    Fails if there are errors.
    """
    from kudo.cli.console import out
    from kudo.cli.output import print_as
    from kudo.packages import Location
    from kudo.verification import verify_location
    from kudo.verification.sarif import as_sarif

    path = local_path(package)
    content, found = await verify_location(Location(path), kubernetes)
    if output:
        listed: list[JsonValue] = [finding.to_json() for finding in found]
        print_as("json", as_sarif(found, path, __version__) if output == "sarif" else listed)
        if any(finding.severity == "error" for finding in found):
            raise typer.Exit(1)
        return
    if content is None:
        raise PackageError(package, [finding.text for finding in found])
    _print_findings(found)
    _require_no_errors(content, found)
    out.print(f"The package {content.operator_version_name} is valid.")


@app.command()
@command
async def create(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Directory of the package.")],
    destination: Annotated[Path, typer.Option("--destination", "-d", help="Directory for the .tgz.")] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace an existing .tgz.")] = False,
) -> None:
    """Create a .tgz of a package.

    The same files always result in the same archive.
    """
    from kudo.cli.console import out
    from kudo.packages import Location, read_package, write_archive
    from kudo.verification import verify_location

    if directory.is_file():
        raise RequestError(f"{directory} is a file. Use the directory of a package.")
    content = read_package(directory)
    found = (await verify_location(Location(directory)))[1]
    _print_findings(found)
    _require_no_errors(content, found)
    out.print(f"Package created: {await write_archive(directory, content, destination, overwrite=overwrite)}")


@app.command("convert")
@command
async def convert_package(
    package: LocalPackageArgument,
    destination: Annotated[Path, typer.Argument(metavar="DESTINATION", help="Directory to create.")],
    kubernetes: Annotated[
        str | None,
        typer.Option(
            "--kubernetes",
            metavar="VERSION",
            help="Rewrite objects to API versions that this version of Kubernetes serves.",
            callback=_is_minor_version,
        ),
    ] = None,
) -> None:
    """Convert a package of KUDO's dialect to kudo.dev/v1.

    Its Go templates become Jinja2 templates. Fails if manual work remains.
    """
    from kudo.cli.console import err, out
    from kudo.conversion import convert

    directory = local_path(package)
    if directory.is_file():
        raise RequestError(f"{directory} is a file. Use the directory of a package.")
    done = await convert(directory, destination, kubernetes or "")
    count = len(done.converted)
    out.print(f"{destination} has {'1 template' if count == 1 else f'{count} templates'} in Jinja2.")
    if done.left:
        err.print("Convert manually:")
        for reason in done.left:
            err.print(f"  - {reason}")
        raise typer.Exit(1)


@app.command()
@command
async def schema(
    file: Annotated[
        Literal["operator", "params"],
        typer.Argument(metavar="FILE", help="operator for operator.yaml, params for params.yaml."),
    ],
) -> None:
    """Print the JSON Schema of operator.yaml or params.yaml.

    It is for editors, and covers both dialects.
    """
    from kudo.cli.console import out
    from kudo.packages import schema_file

    out.print(schema_file(file), end="")


def _print_findings(found: "Sequence[Finding]") -> None:
    from kudo.cli.console import err, with_severity

    for finding in found:
        colour = "red" if finding.severity == "error" else "yellow"
        err.print(with_severity(finding.severity.capitalize(), colour, finding.text))


def _require_no_errors(content: "Package", found: "Sequence[Finding]") -> None:
    """Exit with status 1 if there are errors."""
    from kudo.cli.console import err

    errors = sum(finding.severity == "error" for finding in found)
    if errors:
        err.print(f"The package {content.operator_version_name} has {errors} error{'s' if errors > 1 else ''}.")
        raise typer.Exit(1)


@listing.command()
@command
async def parameters(
    package: LocalPackageArgument,
    descriptions: Annotated[bool, typer.Option("--descriptions", "-d", help="Show descriptions.")] = False,
    required: Annotated[bool, typer.Option("--required", "-r", help="List only parameters that need a value.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Print only names.")] = False,
    output: TableOutput = None,
) -> None:
    """List the parameters of a package."""
    from kudo.cli.console import out
    from kudo.cli.output import print_as, print_table, table
    from kudo.packages import parameter_of, read_package

    defined = [parameter_of(definition) for definition in read_package(local_path(package)).params.parameters]
    shown = [item for item in defined if not required or (item.required and item.default is None)]
    if output in ("json", "yaml"):
        print_as(output, [item.to_json() for item in shown])
    elif names:
        for item in shown:
            out.print(item.name)
    else:
        listed = table("NAME", "TYPE", "DEFAULT", "REQUIRED", *(["DESCRIPTION"] if descriptions else []))
        for item in shown:
            default = " ".join((item.default or "").split())
            text = [" ".join(item.description.split())] if descriptions else []
            listed.add_row(item.name, item.type, default, "yes" if item.required else "no", *text)
        print_table(listed, wide=output == "wide")


@listing.command()
@command
async def tasks(package: LocalPackageArgument, output: Output = None) -> None:
    """List the tasks of a package."""
    from kudo.cli.output import print_as, print_table, table
    from kudo.packages import read_package

    found = read_package(local_path(package)).operator.tasks
    if output:
        print_as(output, [task.to_json() for task in found])
        return
    listed = table("NAME", "KIND", "TEMPLATES")
    for task in found:
        listed.add_row(task.name, task.kind, ", ".join(task.template_names()))
    print_table(listed)


@listing.command()
@command
async def plans(package: LocalPackageArgument, output: Output = None) -> None:
    """Show the plans of a package as trees."""
    from kudo.cli.console import out
    from kudo.cli.output import print_as
    from kudo.model.tree import plan_tree
    from kudo.packages import read_package

    content = read_package(local_path(package))
    if output:
        print_as(output, {name: plan.to_json() for name, plan in content.operator.plans.items()})
        return
    out.print(plan_tree(content.operator.name, content.operator.plans))


@adding.command("maintainer")
@command
async def new_maintainer(
    name: Annotated[str, typer.Argument(help="Name of the maintainer.")],
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    directory: Directory = HERE,
) -> None:
    """Add a maintainer to operator.yaml."""
    from kudo.cli.console import out
    from kudo.packages.editing import add_maintainer

    add_maintainer(directory, name, email)
    out.print(f"{name} was added to operator.yaml.")


@adding.command("parameter")
@command
async def new_parameter(
    name: Annotated[str, typer.Argument(help="Name of the parameter.")],
    default: Annotated[str | None, typer.Option("--default", help="Default value, as YAML.")] = None,
    kind: Annotated[ParameterType, typer.Option("--type", help="Type of the value.")] = "string",
    description: Annotated[str, typer.Option("--description", help="Description of the parameter.")] = "",
    trigger: Annotated[str, typer.Option("--trigger", help="Plan that runs when the value changes.")] = "",
    optional: Annotated[bool, typer.Option("--optional", help="Allow the parameter to have no value.")] = False,
    immutable: Annotated[bool, typer.Option("--immutable", help="Reject changes after the install.")] = False,
    directory: Directory = HERE,
) -> None:
    """Add a parameter to params.yaml."""
    from kudo.cli.console import out
    from kudo.packages.editing import add_parameter

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
    out.print(f"The parameter {name} was added to params.yaml.")


def _read_default(default: str) -> "JsonValue":
    from kudo.model import yaml

    try:
        return yaml.load(default)
    except yaml.YamlError as error:
        raise RequestError(f"--default is not valid YAML: {error}") from None


@adding.command("task")
@command
async def new_task(
    name: Annotated[str, typer.Argument(help="Name of the task.")],
    resources: Annotated[
        list[str], typer.Option("--resource", "-r", metavar="FILE", help="Template of the task. Repeatable.")
    ],
    kind: Annotated[Literal["Apply", "Delete", "Toggle"], typer.Option("--kind", help="Kind of the task.")] = "Apply",
    parameter: Annotated[
        str | None,
        typer.Option("--parameter", help="For a Toggle: parameter that decides whether to apply or to delete."),
    ] = None,
    directory: Directory = HERE,
) -> None:
    """Add a task to operator.yaml.

    Creates its missing templates as empty files.
    """
    from kudo.cli.console import out
    from kudo.packages.editing import add_task

    spec: JsonObject = {"resources": [*resources]}
    if parameter:
        spec["parameter"] = parameter
    created = add_task(directory, {"name": name, "kind": kind, "spec": spec}, resources)
    out.print(f"The task {name} was added to operator.yaml.")
    for file in created:
        out.print(f"The empty file {file} was created.")


@adding.command("plan")
@command
async def new_plan(
    name: Annotated[str, typer.Argument(help="Name of the plan.")],
    tasks: Annotated[list[str], typer.Option("--task", "-t", help="Task to run in a step of its own. Repeatable.")],
    strategy: Annotated[
        Literal["serial", "parallel"], typer.Option("--strategy", help="Order of the steps.")
    ] = "serial",
    phase: Annotated[str, typer.Option("--phase", help="Name of the phase.")] = "main",
    directory: Directory = HERE,
) -> None:
    """Add a plan of one phase to operator.yaml.

    The phase has a step for each task.
    """
    from kudo.cli.console import out
    from kudo.packages.editing import add_plan

    steps: list[JsonObject] = [{"name": task, "tasks": [task]} for task in tasks]
    phases: JsonObject = {"name": phase, "strategy": strategy, "steps": [*steps]}
    add_plan(directory, name, {"strategy": "serial", "phases": [phases]})
    out.print(f"The plan {name} was added to operator.yaml.")


@command
async def render(
    package: PackageArgument,
    plan: Annotated[str, typer.Option("--plan", "--name", help="Name of the plan.")] = "deploy",
    instance: Annotated[
        str | None, typer.Option("--instance", help="Name of the instance. Default: OPERATOR-instance.")
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the instance.")] = "default",
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    repo: Repository = "",
    operator_version: OperatorVersionOption = "",
    app_version: AppVersion = "",
    rewrite_api_versions: RewriteApiVersions = False,
) -> None:
    """Render the objects that a plan of a package applies, as YAML.

    Needs no cluster.
    """
    from kudo.cli.console import out
    from kudo.cli.output import objects_as_yaml
    from kudo.model.execution import PlanRequest
    from kudo.operations.preview import new_instance, preview
    from kudo.packages import PackageResolver
    from kudo.templates import Renderer

    with PackageResolver(repo) as resolver:
        bundle = await resolver.resolve(package, operator_version, app_version)
    content = (bundle.rewriting_api_versions() if rewrite_api_versions else bundle).package
    request = PlanRequest(
        namespace=namespace or "default",
        instance=instance or f"{content.operator.name}-instance",
        plan=plan,
        parameters=read_parameters(parameter, parameter_file),
    )
    async with Renderer.of_command() as renderer:
        async for task in preview(*new_instance(content, request), renderer, request):
            out.print(objects_as_yaml(task))
