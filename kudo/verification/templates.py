"""Checks of templates: undefined variables, unused parameters and templates, and the rendered objects."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from kudo.errors import KudoError
from kudo.manifests import instance_variables, render
from kudo.manifests.api_versions import removal_of
from kudo.manifests.health_rules import check_health_rules
from kudo.manifests.pipes import pod_problems
from kudo.manifests.recreate_policy import recreate_policy
from kudo.model import values
from kudo.model.execution import Variables
from kudo.model.objects import Object
from kudo.model.package import Package, ParameterDefinition
from kudo.model.tasks import KudoOperatorTask, PipeTask, ToggleTask
from kudo.packages import parameter_of
from kudo.templates import Renderer, Use, condition_uses, engine_for
from kudo.verification.finding import Finding, error, warning

_SAMPLES = {"integer": "1", "number": "1", "boolean": "true", "array": "[]", "map": "{}"}
"""Values of parameters that have no default, by type."""


@dataclass(frozen=True, slots=True)
class Place:
    """A template, with the plan, phase and step that render it first."""

    name: str
    plan: str
    phase: str
    step: str


def reference_findings(package: Package) -> Iterator[Finding]:
    """Yield the undefined variables of templates, and the parameters and templates that nothing uses."""
    engine = engine_for(package.operator.api_version)
    uses = {name: engine.uses(name, source) for name, source in package.templates.items()}
    parameters = {definition.name: definition for definition in package.params.parameters}
    pipes = {file.key for task in package.operator.tasks if isinstance(task, PipeTask) for file in task.spec.pipe}
    for name, found in uses.items():
        for use in found:
            yield from _undefined(name, use, parameters, pipes)
    yield from _unused_parameters(package, [use for found in uses.values() for use in found])
    wanted = {name for task in package.operator.tasks for name in task.template_names()}
    for name in sorted(package.templates.keys() - wanted - {package.operator.namespace_manifest}):
        yield warning(f"templates/{name}: no task uses it")


_VARIABLES = ("Name", "Namespace", "OperatorName", "OperatorVersion", "AppVersion", "PlanName", "PhaseName", "StepName")


def _undefined(
    name: str, use: Use, parameters: Mapping[str, ParameterDefinition], pipes: set[str]
) -> Iterator[Finding]:
    location = f"templates/{name}:{use.line}"
    match use.path:
        case ("Params", parameter, *_) if parameter not in parameters:
            if use.certain:
                yield error(f"{location}: there is no parameter {parameter!r}")
        case ("Params", parameter, *_) if use.tested and parameters[parameter].type == "boolean":
            yield warning(
                f"{location}: {parameter} is a string here, so 'false' is true as well: compare it with 'true'"
            )
        case ("Pipes", key, *_) if use.certain and key not in pipes:
            yield error(f"{location}: no Pipe task has the key {key!r}")
        case (variable, *_) if use.certain and variable not in ("Params", "Pipes", *_VARIABLES):
            yield error(f"{location}: there is no variable {variable!r}")


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


async def rendering_findings(
    package: Package, renderer: Renderer, broken: Collection[str], kubernetes: str
) -> list[Finding]:
    """Return the findings of rendering each template with the defaults of parameters; files in `broken` are skipped.

    They are templates that do not render to Kubernetes objects, invalid annotations and pipe pods, Namespaces outside
    of the namespaceManifest, and API versions that a minor version of Kubernetes does not serve.
    """
    found = []
    pods = {task.spec.pod: task.spec.pipe for task in package.operator.tasks if isinstance(task, PipeTask)}
    for place in (place for place in places(package) if f"templates/{place.name}" not in broken):
        try:
            objects = await renderer.run(
                f"templates/{place.name}",
                render,
                package.operator.api_version,
                {place.name: package.templates[place.name]},
                sample_variables(package, place),
                # The task sets the name of a pipe pod.
                named=place.name not in pods,
            )
        except KudoError as problem:
            found.append(error(str(problem)))
            continue
        found += _annotation_findings(place.name, objects)
        found += _api_version_findings(place.name, objects, kubernetes)
        if place.name in pods:
            found += [error(f"templates/{place.name}: {text}") for text in pod_problems(objects, pods[place.name])]
        kinds = [item.kind for item in objects]
        if place.name == package.operator.namespace_manifest:
            if kinds != ["Namespace"]:
                found.append(error(f"templates/{place.name}: the namespaceManifest must be one Namespace"))
        elif "Namespace" in kinds:
            found.append(error(f"templates/{place.name}: only the namespaceManifest may be a Namespace"))
    return found


def _annotation_findings(name: str, objects: Iterable[Object]) -> Iterator[Finding]:
    for item in objects:
        try:
            check_health_rules(item)
            recreate_policy(item)
        except KudoError as problem:
            yield error(f"templates/{name}: {problem}")


def _api_version_findings(name: str, objects: Iterable[Object], kubernetes: str) -> Iterator[Finding]:
    for item in objects:
        if removal := removal_of(item, kubernetes):
            replacement = f"; use {removal.successor}" if removal.successor else "; nothing took its place"
            yield warning(
                f"templates/{name}: {item.kind} {item.name}: {item.api_version} does not exist since Kubernetes "
                f"{removal.removed_in}{replacement}"
            )


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


def sample_variables(package: Package, place: Place) -> Variables:
    """Return the variables of a template, with the defaults of parameters; a required one without gets a sample."""
    operator = package.operator
    variables = instance_variables(
        {definition.name: _value(definition) for definition in package.params.parameters},
        operator_name=operator.name,
        name=f"{operator.name}-instance",
        namespace="default",
        app_version=operator.app_version,
        operator_version=operator.operator_version,
    )
    keys = [file.key for task in operator.tasks if isinstance(task, PipeTask) for file in task.spec.pipe]
    names: Variables = {"PlanName": place.plan, "PhaseName": place.phase, "StepName": place.step}
    return variables | names | {"Pipes": dict.fromkeys(keys, "artifact")}


def _value(definition: ParameterDefinition) -> JsonValue:
    parameter = parameter_of(definition)
    default = parameter.default
    if default is None and parameter.required:
        default = parameter.enum[0] if parameter.enum else _SAMPLES.get(parameter.type, "sample")
    return values.unwrap(default, parameter.type)
