"""Lists of the resources of a namespace, as tables, as a tree, or as JSON and YAML."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from rich.table import Table
from rich.text import Text

from kudo.cli.console import out
from kudo.cli.output import print_as, print_table, show_age, table
from kudo.cli.styles import styled_status
from kudo.errors import KudoError
from kudo.instances.resources import parse_instance
from kudo.kubernetes import Cluster
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION
from kudo.model.tree import Branch, draw

KINDS = ("Operator", "OperatorVersion", "Instance")

TEMPORAL = 3.0
"""Seconds for which Temporal is asked about runs that the Instances say go on."""


async def show_instances(namespace: str | None, output: str | None, *, all_namespaces: bool) -> None:
    """Show the instances of a namespace, or of all, with the last plan of each."""

    def show(found: Sequence[Object]) -> Table:
        return _instances(found, all_namespaces=all_namespaces, wide=output == "wide")

    await _show(namespace, output, ["Instance"], show, all_namespaces=all_namespaces)


async def show_operators(namespace: str | None, output: str | None, *, all_namespaces: bool) -> None:
    """Show the operators of a namespace, or of all."""

    def show(found: Sequence[Object]) -> Table:
        return _operators(found, all_namespaces)

    await _show(namespace, output, ["Operator"], show, all_namespaces=all_namespaces)


async def show_versions(namespace: str | None, output: str | None, *, all_namespaces: bool) -> None:
    """Show the operator versions of a namespace, or of all."""

    def show(found: Sequence[Object]) -> Table:
        return _versions(found, all_namespaces)

    await _show(namespace, output, ["OperatorVersion"], show, all_namespaces=all_namespaces)


async def show_everything(namespace: str | None, output: str | None) -> None:
    """Show operators, their versions, and the instances of each version as a tree."""
    await _show(namespace, output, KINDS, lambda found: draw(list(_tree(found))))


async def _show(
    namespace: str | None,
    output: str | None,
    kinds: Sequence[str],
    show: Callable[[Sequence[Object]], Table | str],
    *,
    all_namespaces: bool = False,
) -> None:
    async with await Cluster.connect() as cluster:
        namespace = "" if all_namespaces else namespace or cluster.namespace
        listed = [await cluster.list(API_VERSION, kind, namespace) for kind in kinds]
        if "Instance" in kinds and await _were_recorded(cluster, listed[kinds.index("Instance")]):
            listed = [await cluster.list(API_VERSION, kind, namespace) for kind in kinds]
    found = [item for items in listed for item in sorted(items, key=lambda item: (item.namespace, item.name))]
    if output in ("json", "yaml"):
        print_as(output, [item.manifest for item in found])
    elif not found:
        where = f" in the namespace {namespace}" if namespace else ""
        out.print(f"There are no {kinds[0].lower()}s{where}.")
    else:
        shown = show(found)
        if isinstance(shown, Table):
            print_table(shown, wide=output == "wide")
        else:
            out.print(shown)


async def _were_recorded(cluster: Cluster, found: Sequence[Object]) -> bool:
    """Record how runs ended that could not record it themselves; return whether there were any."""
    instances = [parse_instance(item) for item in found]
    if not any(last and last.status.is_running for last in (instance.status.last_plan for instance in instances)):
        return False
    # Imported only now: this is most of the time that the command takes.
    from kudo.client import Plans, connect
    from kudo.operations.reconcile import record_ends

    # Without Temporal, the recorded status is the best that is known.
    with suppress(KudoError, TimeoutError):
        async with asyncio.timeout(TEMPORAL):
            return await record_ends(cluster, Plans(await connect()), instances)
    return False


def _columns(all_namespaces: bool, *columns: str) -> Table:
    return table(*(["NAMESPACE"] if all_namespaces else []), *columns)


def _row(item: Object, all_namespaces: bool, *cells: str | Text) -> list[str | Text]:
    return [*([item.namespace] if all_namespaces else []), item.name, *cells, show_age(_created(item))]


def _created(item: Object) -> datetime | None:
    text = item.text("metadata", "creationTimestamp")
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _instances(found: Sequence[Object], *, all_namespaces: bool, wide: bool) -> Table:
    more = ["UPDATED", "MESSAGE"] if wide else []
    listed = _columns(all_namespaces, "NAME", "OPERATOR-VERSION", "LAST PLAN", "STATUS", "AGE", *more)
    for item in found:
        instance = parse_instance(item)
        last = instance.status.last_plan
        plan, status = (last.name, last.summary) if last else ("", "")
        row = _row(item, all_namespaces, instance.spec.operator_version.name, plan, styled_status(status))
        if wide and last:
            messages = [last.message, *(step.message for _, step in last.failed_steps())]
            row += [show_age(last.last_updated_timestamp), " ".join(" ".join(filter(None, messages)).split())]
        listed.add_row(*row)
    return listed


def _operators(found: Sequence[Object], all_namespaces: bool) -> Table:
    listed = _columns(all_namespaces, "NAME", "DESCRIPTION", "AGE")
    for item in found:
        listed.add_row(*_row(item, all_namespaces, " ".join(item.text("spec", "description").split())))
    return listed


def _versions(found: Sequence[Object], all_namespaces: bool) -> Table:
    listed = _columns(all_namespaces, "NAME", "OPERATOR", "VERSION", "APP-VERSION", "AGE")
    for item in found:
        version, app_version = item.text("spec", "version"), item.text("spec", "appVersion")
        operator = item.text("spec", "operator", "name")
        listed.add_row(*_row(item, all_namespaces, operator, version, app_version))
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
