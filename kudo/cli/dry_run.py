"""--dry-run: print the changes that a plan would make to the cluster."""

import difflib
from collections.abc import Iterator

import typer
from rich.text import Text

from kudo.cli.console import err, out
from kudo.cli.options import Form
from kudo.cli.output import objects_as_yaml
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.objects import Object
from kudo.model.resources import Instance, OperatorVersion
from kudo.operations.preview import TaskPreview, preview
from kudo.rollout.diff import Comparison, Difference, Operation
from kudo.templates import Renderer

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


async def print_dry_run(
    cluster: Cluster, instance: Instance, version: OperatorVersion, request: PlanRequest, form: Form
) -> None:
    """Print the changes that a plan would make; exit with status 1 if the API would reject one."""
    cluster = cluster.within(instance.namespace)
    rejected, comparison = 0, Comparison(cluster)
    async with Renderer.of_command() as renderer:
        async for task in preview(instance, version, renderer, request, cluster.namespaced):
            if form == "yaml":
                out.print(objects_as_yaml(task))
            else:
                rejected += await _show_differences(comparison, task)
    if rejected:
        objects = "1 object" if rejected == 1 else f"{rejected} objects"
        err.print(f"The plan {request.plan} would fail: the API rejects {objects}.")
        raise typer.Exit(1)
    if form == "diff":
        out.print(f"Dry run of the plan {request.plan}: nothing was changed.")


async def _show_differences(comparison: Comparison, task: TaskPreview) -> int:
    """Print the changes that a task would make; return how many of them the API would reject."""
    out.print(Text(f"# {task.phase}.{task.step}.{task.task}", style="bold"))
    compare = comparison.diff_apply if task.verb == "apply" else comparison.diff_delete
    differences = await compare(task.objects)
    for difference in differences:
        for line in _lines(difference):
            out.print(Text(line, style=_COLOURS.get(line[0], "")))
    if task.verb == "delete" and not differences:
        out.print("  no object to delete exists")
    for text in task.creates:
        out.print(Text(f"  {text}: created from files that the pod writes"))
    return sum(difference.operation is Operation.REJECTED for difference in differences)


def _lines(difference: Difference) -> Iterator[str]:
    yield f"  {difference.ref}: {difference.operation}{f': {difference.rejection}' if difference.rejection else ''}"
    before, after = _masked(difference)
    if difference.operation is Operation.CREATED:
        yield from (f"+{line}" for line in _yaml(after))
    elif difference.operation in (Operation.CHANGED, Operation.RECREATED):
        lines = difflib.unified_diff(_yaml(before), _yaml(after), lineterm="", n=2)
        # The first two lines are the names of the files, and there are none.
        yield from list(lines)[2:]


def _yaml(manifest: Manifest) -> list[str]:
    """Return the lines of a manifest as YAML, apiVersion, kind and metadata first."""
    first: Manifest = {key: manifest[key] for key in ("apiVersion", "kind", "metadata") if key in manifest}
    return yaml.dump({**first, **manifest}).splitlines() if manifest else []


def _masked(difference: Difference) -> tuple[Manifest, Manifest]:
    """Return both sides; the values of a Secret are masked, which shows only whether they differ."""
    before, after = difference.before, difference.after
    if difference.ref.kind != "Secret":
        return before, after
    before, after = ({key: side[key] for key in side if key != "stringData"} for side in (before, after))
    old, new = Object(before).strings("data"), Object(after).strings("data")
    return (
        {**before, "data": {key: "***" if new.get(key) == value else "*** (before)" for key, value in old.items()}},
        {**after, "data": {key: "***" if old.get(key) == value else "*** (after)" for key, value in new.items()}},
    )
