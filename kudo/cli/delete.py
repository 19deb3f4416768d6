"""delete operator, operatorversion: delete what nothing uses."""

from typing import TYPE_CHECKING, Annotated

import typer

from kudo.cli.command import command
from kudo.cli.options import NamespaceOption

if TYPE_CHECKING:
    from kudo.operations.delete import Kind

app = typer.Typer(no_args_is_help=True, help="Delete operators and versions that nothing uses.")


@app.command()
@command
async def operator(
    name: Annotated[str, typer.Argument(help="Name of the operator.")], namespace: NamespaceOption = None
) -> None:
    """Delete an operator that has no versions."""
    await _delete("Operator", name, namespace)


@app.command()
@command
async def operatorversion(
    name: Annotated[str, typer.Argument(help="Name of the version, such as kafka-2.5.1-1.3.2.")],
    namespace: NamespaceOption = None,
) -> None:
    """Delete a version of an operator that has no instances."""
    await _delete("OperatorVersion", name, namespace)


async def _delete(kind: "Kind", name: str, namespace: str | None) -> None:
    from kudo.cli.console import out
    from kudo.kubernetes import Cluster
    from kudo.operations.delete import delete as delete_resource

    async with await Cluster.connect() as cluster:
        namespace = namespace or cluster.namespace
        await delete_resource(cluster, namespace, kind, name)
        out.print(f"The {kind} {name} was deleted from the namespace {namespace}.")
