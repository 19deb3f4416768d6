"""Checks of the keys of Pipe tasks: those of other plans are undefined in a plan."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from kudo.errors import KudoError, TaskRenderingError
from kudo.model.package import Package
from kudo.model.tasks import PipeTask
from kudo.templates import Renderer, engine_for, render_all
from kudo.verification.finding import Finding, error, warning
from kudo.verification.templates import places, template_variables


@dataclass(frozen=True, slots=True)
class _MissingKey:
    """A key that a template uses in a plan which has no Pipe task that makes it."""

    plan: str
    template: str
    line: int
    key: str
    made: frozenset[str]


async def pipe_findings(package: Package, renderer: Renderer, broken: set[str]) -> list[Finding]:
    """Return the uses of keys that a plan does not make; a warning if the defaults of parameters do not lead there."""
    return [
        finding
        for missing in _missing_keys(package)
        if f"templates/{missing.template}" not in broken
        async for finding in _findings(package, missing, renderer)
    ]


def _missing_keys(package: Package) -> Iterator[_MissingKey]:
    engine = engine_for(package.operator.api_version)
    tasks = {task.name: task for task in package.operator.tasks}
    everywhere = {file.key for task in tasks.values() if isinstance(task, PipeTask) for file in task.spec.pipe}
    for plan, spec in package.operator.plans.items():
        used = [tasks[name] for name in spec.task_names()]
        made = frozenset(file.key for task in used if isinstance(task, PipeTask) for file in task.spec.pipe)
        for name in dict.fromkeys(name for task in used for name in task.template_names()) if everywhere - made else ():
            try:
                uses = engine.uses(name, package.templates[name])
            except TaskRenderingError:
                continue  # It is found as malformed.
            for use in uses:
                if use.path[0] == "Pipes" and use.path[1:] and use.path[1] in everywhere - made:
                    yield _MissingKey(plan, name, use.line, use.path[1], made)


async def _findings(package: Package, missing: _MissingKey, renderer: Renderer) -> AsyncIterator[Finding]:
    place = next(place for place in places(package) if place.name == missing.template)
    variables = template_variables(package, place) | {"Pipes": dict.fromkeys(missing.made, "artifact")}
    sources = {missing.template: package.templates[missing.template]}
    what = f"templates/{missing.template}"
    text = f"{what}:{missing.line}: the plan {missing.plan!r} has no Pipe task with the key {missing.key!r}"
    try:
        await renderer.run(what, render_all, package.operator.api_version, sources, variables)
    except KudoError:
        yield error(text)
    else:
        yield warning(f"{text}, which this template uses for other parameters")
