"""package new, verify, create, list: what package authors need, without a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from kudo.cli import adding
from kudo.cli.command import command, err, out, said
from kudo.cli.options import LocalPackage, Output, local
from kudo.cli.output import print_as, print_table, table
from kudo.conversion import convert
from kudo.errors import RequestError
from kudo.model.package import Package as PackageContent
from kudo.model.tree import plan_tree
from kudo.packages import Location, parameter_of, read_package, write_archive, write_skeleton
from kudo.verification import dependency_findings, verify

app = typer.Typer(no_args_is_help=True, help="Write packages.")
listing = typer.Typer(no_args_is_help=True, help="List what a package has.")
app.add_typer(listing, name="list")
app.add_typer(adding.app, name="add")


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
