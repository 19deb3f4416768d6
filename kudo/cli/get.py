"""get instances, operators, operatorversions, all: list the resources of a namespace."""

import typer

from kudo.cli.command import command
from kudo.cli.options import AllNamespaces, NamespaceOption, Output, TableOutput

app = typer.Typer(no_args_is_help=True, help="List operators, their versions, and instances.")


@app.command()
@command
async def instances(
    namespace: NamespaceOption = None, all_namespaces: AllNamespaces = False, output: TableOutput = None
) -> None:
    """List the instances of a namespace and their last plans."""
    from kudo.cli.listing import show_instances

    await show_instances(namespace, output, all_namespaces=all_namespaces)


@app.command()
@command
async def operators(
    namespace: NamespaceOption = None, all_namespaces: AllNamespaces = False, output: TableOutput = None
) -> None:
    """List the operators of a namespace."""
    from kudo.cli.listing import show_operators

    await show_operators(namespace, output, all_namespaces=all_namespaces)


@app.command()
@command
async def operatorversions(
    namespace: NamespaceOption = None, all_namespaces: AllNamespaces = False, output: TableOutput = None
) -> None:
    """List the operator versions of a namespace."""
    from kudo.cli.listing import show_versions

    await show_versions(namespace, output, all_namespaces=all_namespaces)


@app.command(name="all")
@command
async def everything(namespace: NamespaceOption = None, output: Output = None) -> None:
    """Show operators, versions and instances as a tree."""
    from kudo.cli.listing import show_everything

    await show_everything(namespace, output)
