"""get instances."""

import typer
from rich.table import Table

from kudo.cli.options import Namespace, Output
from kudo.cli.output import print_as, print_table, table
from kudo.cli.run import command, out
from kudo.cluster import Cluster
from kudo.instances.resources import parse_instance
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION

app = typer.Typer(no_args_is_help=True, help="List what is installed.")


@app.command()
@command
async def instances(namespace: Namespace = None, output: Output = None) -> None:
    """List the instances of a namespace, each with the plan that ran last."""
    async with await Cluster.connect() as cluster:
        where = namespace or cluster.namespace
        found = await cluster.list(API_VERSION, "Instance", where)
        if output:
            print_as(output, [item.manifest for item in found])
        elif not found:
            out.print(f"There are no instances in the namespace {where}.")
        else:
            print_table(_table(found))


def _table(found: list[Object]) -> Table:
    listed = table("NAME", "OPERATOR-VERSION", "LAST PLAN", "STATUS")
    for item in sorted(found, key=lambda item: item.name):
        instance = parse_instance(item)
        last = instance.status.last
        plan, status = (last.name, str(last.status)) if last else ("", "")
        listed.add_row(instance.name, instance.spec.operator_version.name, plan, status)
    return listed
