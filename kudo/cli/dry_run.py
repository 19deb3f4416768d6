"""--dry-run: what a plan would do to the cluster, without doing it."""

import difflib
from collections.abc import Iterator
from typing import Annotated, Literal

import typer
from rich.text import Text

from kudo.cli.command import err, out
from kudo.cli.output import objects_as_yaml
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.objects import Object
from kudo.model.resources import Instance, OperatorVersion
from kudo.operations.preview import TaskPreview, preview
from kudo.rollout.diff import Comparison, Difference, Verb
from kudo.templates import Renderer

Form = Literal["diff", "yaml"]

DryRun = Annotated[
    Form | None,
    typer.Option(
        "--dry-run",
        help="Change nothing; print what the plan would apply, as YAML or as a diff against the cluster.",
    ),
]

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


async def print_dry_run(
    cluster: Cluster, instance: Instance, version: OperatorVersion, request: PlanRequest, form: Form
) -> None:
    """Print what a plan would do; exits with status 1 where the API would refuse something."""
    refused, comparison = 0, Comparison(cluster)
    async with Renderer(processes=1) as renderer:
        async for task in preview(instance, version, renderer, request, cluster.namespaced_if_known):
            if form == "yaml":
                out.print(objects_as_yaml(task))
            else:
                refused += await _show_differences(comparison, task)
    if refused:
        objects = "1 object" if refused == 1 else f"{refused} objects"
        err.print(f"The plan {request.plan} would fail: the API refuses {objects}.")
        raise typer.Exit(1)
    if form == "diff":
        out.print(f"Nothing was changed: this is what the plan {request.plan} would do.")


async def _show_differences(comparison: Comparison, task: TaskPreview) -> int:
    """Print what a task would do, and return how much of it would be refused."""
    out.print(Text(f"# {task.phase}.{task.step}.{task.task}", style="bold"))
    compare = comparison.would_apply if task.verb == "apply" else comparison.would_delete
    differences = await compare(task.objects)
    for difference in differences:
        for line in _lines(difference):
            out.print(Text(line, style=_COLOURS.get(line[0], "")))
    if task.verb == "delete" and not differences:
        out.print("  nothing of it is there")
    for text in task.creates:
        out.print(Text(f"  {text}: made of what the pod writes"))
    return sum(difference.verb is Verb.REFUSED for difference in differences)


def _lines(difference: Difference) -> Iterator[str]:
    yield f"  {difference.ref}: {difference.verb}{f': {difference.refusal}' if difference.refusal else ''}"
    before, after = _hidden(difference)
    if difference.verb is Verb.MADE:
        yield from (f"+{line}" for line in _yaml(after))
    elif difference.verb in (Verb.CHANGED, Verb.MADE_ANEW):
        lines = difflib.unified_diff(_yaml(before), _yaml(after), lineterm="", n=2)
        # The names of the two sides say nothing.
        yield from list(lines)[2:]


def _yaml(manifest: Manifest) -> list[str]:
    """In the order in which people write it, whatever the API's is."""
    first: Manifest = {key: manifest[key] for key in ("apiVersion", "kind", "metadata") if key in manifest}
    return yaml.dump({**first, **manifest}).splitlines() if manifest else []


def _hidden(difference: Difference) -> tuple[Manifest, Manifest]:
    """Both sides; of a Secret's values only whether they are the same."""
    before, after = difference.before, difference.after
    if difference.ref.kind != "Secret":
        return before, after
    before, after = ({key: side[key] for key in side if key != "stringData"} for side in (before, after))
    old, new = Object(before).strings("data"), Object(after).strings("data")
    return (
        {**before, "data": {key: "***" if new.get(key) == value else "*** (before)" for key, value in old.items()}},
        {**after, "data": {key: "***" if old.get(key) == value else "*** (after)" for key, value in new.items()}},
    )
