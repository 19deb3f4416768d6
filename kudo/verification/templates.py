"""Checks of templates: undefined variables, unused parameters and templates, and the rendered objects."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kudo.errors import KudoError, TaskRenderingError
from kudo.manifests import render
from kudo.model.execution import Variables
from kudo.model.objects import Object
from kudo.model.package import Package, ParameterDefinition
from kudo.model.suggestion import did_you_mean
from kudo.model.tasks import KudoOperatorTask, PipeTask, ToggleTask
from kudo.templates import Renderer, Use, condition_uses, engine_for
from kudo.templates.engine import VARIABLES
from kudo.verification.finding import Finding, error, warning
from kudo.verification.samples import sample_variables

Rendered = dict[str, list[Object]]
"""Objects by the name of their template."""


@dataclass(frozen=True, slots=True)
class Place:
    """A template, with the plan, phase and step that render it first."""

    name: str
    plan: str
    phase: str
    step: str


def reference_findings(package: Package) -> Iterator[Finding]:
    """Yield malformed templates, undefined variables, and the parameters and templates that nothing uses."""
    engine = engine_for(package.operator.api_version)
    uses: dict[str, list[Use]] = {}
    for name, source in package.templates.items():
        try:
            uses[name] = engine.uses(name, source)
        except TaskRenderingError as problem:
            yield error(str(problem))
    parameters = {definition.name: definition for definition in package.params.parameters}
    pipes = {file.key for task in package.operator.tasks if isinstance(task, PipeTask) for file in task.spec.pipe}
    for name, found in uses.items():
        for use in found:
            yield from _undefined(name, use, parameters, pipes)
    if len(uses) == len(package.templates):
        yield from _unused_parameters(package, [use for found in uses.values() for use in found])
    if package.operator.api_version != "kudo.dev/v1":
        yield from _jinja_in_go(package)
    wanted = {name for task in package.operator.tasks for name in task.template_names()}
    for name in sorted(package.templates.keys() - wanted - {package.operator.namespace_manifest}):
        yield warning(f"templates/{name}: no task uses it")


def _undefined(
    name: str, use: Use, parameters: Mapping[str, ParameterDefinition], pipes: set[str]
) -> Iterator[Finding]:
    location = f"templates/{name}:{use.line}"
    match use.path:
        case ("Params", parameter, *_) if parameter not in parameters:
            if use.certain:
                yield error(f"{location}: there is no parameter {parameter!r}{did_you_mean(parameter, parameters)}")
        case ("Params", parameter, *_) if use.tested and parameters[parameter].type == "boolean":
            yield warning(
                f"{location}: {parameter} is a string here, so 'false' is true as well: compare it with 'true'"
            )
        case ("Pipes", key, *_) if use.certain and key not in pipes:
            yield error(f"{location}: no Pipe task has the key {key!r}{did_you_mean(key, pipes)}")
        case (variable, *_) if use.certain and variable not in VARIABLES:
            yield error(f"{location}: there is no variable {variable!r}{_meant(variable, parameters)}")


def _meant(variable: str, parameters: Mapping[str, ParameterDefinition]) -> str:
    return f"; did you mean Params.{variable}?" if variable in parameters else did_you_mean(variable, VARIABLES)


_STATEMENT = re.compile(r"\{% *(if|elif|else|endif|for|endfor|set|macro|endmacro|include)\b")


def _jinja_in_go(package: Package) -> Iterator[Finding]:
    for name, source in package.templates.items():
        for number, line in enumerate(source.splitlines(), start=1):
            if _STATEMENT.search(line):
                yield warning(
                    f"templates/{name}:{number}: this is the syntax of Jinja2, which stays as it is: packages of "
                    "kudo.dev/v1beta1 have Go templates"
                )
                break


def _unused_parameters(package: Package, uses: Iterable[Use]) -> Iterator[Finding]:
    operator = package.operator
    used: set[str] = set()
    for use in [*uses, *(use for location, text in operator.conditions().items() for use in _uses_of(location, text))]:
        if use.path == ("Params",):
            return
        if use.path[0] == "Params":
            used.add(use.path[1])
    used |= {task.spec.parameter for task in operator.tasks if isinstance(task, ToggleTask)}
    for definition in package.params.parameters:
        if definition.name not in used and not definition.trigger:
            yield warning(f"params.yaml: parameters.{definition.name}: nothing uses it")


def _uses_of(location: str, condition: str) -> list[Use]:
    try:
        return condition_uses(location, condition)
    except KudoError:
        return []


async def render_places(package: Package, renderer: Renderer, broken: set[str]) -> tuple[Rendered, list[Finding]]:
    """Render each template with the defaults of parameters; return the objects, and the errors of those that fail.

    Files in `broken` are skipped. The pods of Pipe tasks need no name.
    """
    rendered: Rendered = {}
    findings = []
    pods = {task.spec.pod for task in package.operator.tasks if isinstance(task, PipeTask)}
    for place in (place for place in places(package) if f"templates/{place.name}" not in broken):
        try:
            rendered[place.name] = await renderer.run(
                f"templates/{place.name}",
                render,
                package.operator.api_version,
                {place.name: package.templates[place.name]},
                template_variables(package, place),
                named=place.name not in pods,
            )
        except KudoError as problem:
            findings.append(error(str(problem)))
    return rendered, findings


def places(package: Package) -> Iterator[Place]:
    """Yield the place of each template of objects. One that no plan uses gets a placeholder of the plan deploy."""
    operator = package.operator
    parameter_files = {
        name for task in operator.tasks if isinstance(task, KudoOperatorTask) for name in task.template_names()
    }
    tasks = {task.name: task for task in operator.tasks}
    seen = set(parameter_files)
    for plan, spec in operator.plans.items():
        for phase in spec.phases:
            for step in phase.steps:
                for name in (name for task in step.tasks for name in tasks[task].template_names()):
                    if name not in seen:
                        seen.add(name)
                        yield Place(name, plan, phase.name, step.name)
    for name in sorted(package.templates.keys() - seen):
        if name.endswith((".yaml", ".yml")):
            yield Place(name, "deploy", "phase", "step")


def template_variables(package: Package, place: Place) -> Variables:
    """Return the variables of a template, with samples."""
    keys = [file.key for task in package.operator.tasks if isinstance(task, PipeTask) for file in task.spec.pipe]
    names: Variables = {"PlanName": place.plan, "PhaseName": place.phase, "StepName": place.step}
    return sample_variables(package) | names | {"Pipes": dict.fromkeys(keys, "artifact")}
