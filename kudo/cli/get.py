"""get instances."""

import json

import typer
from rich.table import Table

from kudo.cli.options import Namespace, Output
from kudo.cli.run import command, out
from kudo.cluster import Cluster
from kudo.instances.resources import parse_instance
from kudo.model import yaml
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
            items = [item.manifest for item in found]
            out.print(json.dumps(items, indent=2) if output == "json" else yaml.dump(items).rstrip(), markup=False)
        elif not found:
            out.print(f"There are no instances in the namespace {where}.")
        else:
            # As wide as it is: what is cut off cannot be read, nor found by grep.
            out.print(_table(found), width=10_000)


def _table(found: list[Object]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("NAME", "OPERATOR-VERSION", "LAST PLAN", "STATUS"):
        table.add_column(column, no_wrap=True)
    for item in sorted(found, key=lambda item: item.name):
        instance = parse_instance(item)
        last = instance.status.last
        plan, status = (last.name, str(last.status)) if last else ("", "")
        table.add_row(instance.name, instance.spec.operator_version.name, plan, status)
    return table
