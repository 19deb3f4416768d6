"""get instances, operators, operatorversions, all: list the resources of a namespace."""

from collections.abc import Callable, Iterator, Sequence

import typer
from rich.table import Table

from kudo.cli.command import command, out
from kudo.cli.options import NamespaceOption, Output
from kudo.cli.output import print_as, print_table, table
from kudo.instances.resources import parse_instance
from kudo.kubernetes import Cluster
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION
from kudo.model.tree import Branch, draw

app = typer.Typer(no_args_is_help=True, help="List operators, their versions, and instances.")

KINDS = ("Operator", "OperatorVersion", "Instance")


@app.command()
@command
async def instances(namespace: NamespaceOption = None, output: Output = None) -> None:
    """List the instances of a namespace, with the last plan of each."""
    await _show(namespace, output, ["Instance"], _instances)


@app.command()
@command
async def operators(namespace: NamespaceOption = None, output: Output = None) -> None:
    """List the operators of a namespace."""
    await _show(namespace, output, ["Operator"], _operators)


@app.command()
@command
async def operatorversions(namespace: NamespaceOption = None, output: Output = None) -> None:
    """List the operator versions of a namespace."""
    await _show(namespace, output, ["OperatorVersion"], _versions)


@app.command(name="all")
@command
async def everything(namespace: NamespaceOption = None, output: Output = None) -> None:
    """Show operators, their versions, and the instances of each version as a tree."""
    await _show(namespace, output, KINDS, lambda found: draw(list(_tree(found))))


async def _show(
    namespace: str | None,
    output: str | None,
    kinds: Sequence[str],
    show: Callable[[Sequence[Object]], Table | str],
) -> None:
    async with await Cluster.connect() as cluster:
        namespace = namespace or cluster.namespace
        listed = [await cluster.list(API_VERSION, kind, namespace) for kind in kinds]
    found = [item for items in listed for item in sorted(items, key=lambda item: item.name)]
    if output:
        print_as(output, [item.manifest for item in found])
    elif not found:
        out.print(f"There are no {kinds[0].lower()}s in the namespace {namespace}.")
    else:
        shown = show(found)
        if isinstance(shown, Table):
            print_table(shown)
        else:
            out.print(shown)


def _instances(found: Sequence[Object]) -> Table:
    listed = table("NAME", "OPERATOR-VERSION", "LAST PLAN", "STATUS")
    for item in found:
        instance = parse_instance(item)
        last = instance.status.last_plan
        plan, status = (last.name, last.summary) if last else ("", "")
        listed.add_row(instance.name, instance.spec.operator_version.name, plan, status)
    return listed


def _operators(found: Sequence[Object]) -> Table:
    listed = table("NAME", "DESCRIPTION")
    for item in found:
        listed.add_row(item.name, " ".join(item.text("spec", "description").split()))
    return listed


def _versions(found: Sequence[Object]) -> Table:
    listed = table("NAME", "OPERATOR", "VERSION", "APP-VERSION")
    for item in found:
        version, app_version = item.text("spec", "version"), item.text("spec", "appVersion")
        listed.add_row(item.name, item.text("spec", "operator", "name"), version, app_version)
    return listed


def _tree(found: Sequence[Object]) -> Iterator[Branch]:
    """Yield each operator with its versions and their instances.

    Then yield the versions and instances that belong to no listed operator.
    """
    used: set[int] = set()

    def below(kind: str, field: str, name: str) -> list[Object]:
        items = [item for item in found if item.kind == kind and item.text("spec", field, "name") == name]
        used.update(map(id, items))
        return items

    for operator in (item for item in found if item.kind == "Operator"):
        versions: list[Branch] = []
        for version in below("OperatorVersion", "operator", operator.name):
            of_version = below("Instance", "operatorVersion", version.name)
            versions.append((version.name, [(instance.name, []) for instance in of_version]))
        yield operator.name, versions
    for item in found:
        if item.kind != "Operator" and id(item) not in used:
            yield f"{item.kind} {item.name}", []
