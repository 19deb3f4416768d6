"""Checks of operator.yaml and params.yaml: versions, groups, parameters, tasks, pipes and conditions.

KUDO's rules are in its `pkg/kudoctl/packages/verifier`. Errors that `read_package` raises are not repeated here.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice, product

from kudo.errors import TaskRenderingError
from kudo.manifests.pipes import pipe_problems
from kudo.model import values
from kudo.model.execution import Variables
from kudo.model.package import Package, ParameterDefinition
from kudo.model.parameters import Parameter
from kudo.model.plans import DEPLOY
from kudo.model.suggestion import did_you_mean
from kudo.model.tasks import ToggleTask
from kudo.model.versions import PackageVersion
from kudo.packages import parameter_of
from kudo.templates import condition_uses, evaluate_conditions
from kudo.verification.finding import Finding, error, warning
from kudo.verification.samples import sample_variables

_COMBINATIONS = 1_000
"""Most combinations of parameter values that a condition is evaluated with; with more, it is not checked."""


def definition_findings(package: Package) -> Iterator[Finding]:
    """Yield the findings of operator.yaml and params.yaml."""
    for duplicate in package.duplicate_keys:
        yield warning(f"{duplicate}; the last value counts")
    for field in package.ignored_fields:
        yield warning(f"{field}; KUDO ignores it")
    yield from _versions(package)
    yield from _plans(package)
    yield from _groups(package)
    for definition in package.params.parameters:
        yield from _parameter(definition)
    yield from _tasks(package)
    yield from _pipes(package)
    yield from _conditions(package)


def _versions(package: Package) -> Iterator[Finding]:
    operator = package.operator
    for field, value, required in (
        ("operatorVersion", operator.operator_version, True),
        ("kubernetesVersion", operator.kubernetes_version, operator.api_version == "kudo.dev/v1beta1"),
        ("appVersion", operator.app_version, False),
        ("kudoVersion", operator.kudo_version, False),
    ):
        if not value and required:
            yield error(f"operator.yaml: {field}: is missing")
        elif value and not PackageVersion(value).valid:
            yield error(f"operator.yaml: {field}: must be a version such as 1.2.3, not {value!r}")


def _plans(package: Package) -> Iterator[Finding]:
    plans = package.operator.plans
    if DEPLOY not in plans:
        yield warning(f"operator.yaml: plans: there is no plan {DEPLOY!r}, without which no instance can be installed")
    for definition in package.params.parameters:
        if definition.trigger and definition.trigger not in plans:
            yield warning(
                f"params.yaml: parameters.{definition.name}.trigger: there is no plan {definition.trigger!r}, so the "
                f"parameter cannot be changed{did_you_mean(definition.trigger, plans)}"
            )


def _groups(package: Package) -> Iterator[Finding]:
    names = Counter(group.name for group in package.params.groups)
    for name, count in names.items():
        if count > 1:
            yield error(f"params.yaml: groups: the name {name!r} occurs {count} times")
        if "/" in name:
            yield error(f"params.yaml: groups.{name}: a name must not contain '/'")
    for definition in package.params.parameters:
        if definition.group and definition.group not in names:
            yield error(
                f"params.yaml: parameters.{definition.name}.group: there is no group {definition.group!r}"
                f"{did_you_mean(definition.group, names)}"
            )


def _parameter(definition: ParameterDefinition) -> Iterator[Finding]:
    location = f"params.yaml: parameters.{definition.name}"
    if re.search("[;,]", definition.name):
        yield error(f"{location}: a name must not contain ';' or ','")
    if definition.immutable and definition.default is None and not definition.required:
        yield error(f"{location}: an immutable parameter must have a default or be required")
    if definition.advanced and definition.required and definition.default is None:
        yield error(f"{location}: an advanced parameter that is required must have a default")
    if definition.enum is not None and not definition.enum:
        yield error(f"{location}.enum: must not be empty")
    without_enum = parameter_of(definition).model_copy(update={"enum": None})
    for value in parameter_of(definition).enum or ():
        if problem := values.problem(without_enum, value):
            yield error(f"{location}.enum: {problem}, not {value!r}")


def _tasks(package: Package) -> Iterator[Finding]:
    used = {name for plan in package.operator.plans.values() for name in plan.task_names()}
    parameters = {definition.name for definition in package.params.parameters}
    for task in package.operator.tasks:
        location = f"operator.yaml: tasks.{task.name}"
        if task.name not in used:
            yield warning(f"{location}: no plan uses it")
        if isinstance(task, ToggleTask) and task.spec.parameter not in parameters:
            hint = did_you_mean(task.spec.parameter, parameters)
            yield error(f"{location}.spec.parameter: there is no parameter {task.spec.parameter!r}{hint}")
        elif isinstance(task, ToggleTask) and (problem := _toggle_problem(package, task.spec.parameter)):
            yield error(f"{location}.spec.parameter: {problem}")


def _toggle_problem(package: Package, name: str) -> str:
    """Return why a parameter cannot toggle a task; empty if it can."""
    definition = next(definition for definition in package.params.parameters if definition.name == name)
    parameter = parameter_of(definition)
    possible = [parameter.default] if parameter.enum is None else [*parameter.enum, parameter.default]
    wrong = [value for value in possible if value is not None and value not in values.BOOLEANS]
    if wrong:
        return f"the parameter {name!r} may be {wrong[0]!r}, which is neither true nor false"
    if parameter.default is None and not parameter.required:
        return f"the parameter {name!r} has no default, so its value may be neither true nor false"
    return ""


def _pipes(package: Package) -> Iterator[Finding]:
    for name, plan in package.operator.plans.items():
        for problem in pipe_problems(plan, package.operator.tasks):
            yield error(f"operator.yaml: plans.{name}: {problem}")


def _conditions(package: Package) -> Iterator[Finding]:
    known = {definition.name: parameter_of(definition) for definition in package.params.parameters}
    for location, condition in package.operator.conditions().items():
        try:
            used = {
                use.path[1] for use in condition_uses(location, condition) if use.path[0] == "Params" and use.path[1:]
            }
        except TaskRenderingError as problem:
            yield error(f"operator.yaml: {problem}")
            continue
        undefined = sorted(used - known.keys())
        for name in undefined:
            yield error(f"operator.yaml: {location}.when: there is no parameter {name!r}{did_you_mean(name, known)}")
        if undefined:
            continue
        if failure := _evaluation_problem(package, location, condition):
            yield error(f"operator.yaml: {failure}")
        elif _never_holds(location, condition, [known[name] for name in sorted(used)]):
            yield warning(f"operator.yaml: {location}.when: {condition!r} never holds, so this never runs")


def _evaluation_problem(package: Package, location: str, condition: str) -> str:
    """Return why a condition cannot be evaluated with the defaults of parameters; empty if it can."""
    variables = sample_variables(package)
    try:
        evaluate_conditions({location: condition}, {name: variables[name] for name in variables if name != "Pipes"})
    except TaskRenderingError as problem:
        return str(problem)
    return ""


def _never_holds(location: str, condition: str, parameters: list[Parameter]) -> bool:
    """Whether a condition is false for every combination of the values that its parameters may have.

    False if these cannot all be tried: a parameter is not a boolean and has no enum, or there are too many.
    """
    choices = [_choices(parameter) for parameter in parameters]
    if not all(choices):
        return False
    combinations = list(islice(product(*choices), _COMBINATIONS + 1))
    if len(combinations) > _COMBINATIONS:
        return False
    names = [parameter.name for parameter in parameters]
    try:
        return not any(
            evaluate_conditions({location: condition}, _variables(dict(zip(names, chosen, strict=True))))[location]
            for chosen in combinations
        )
    except TaskRenderingError:
        # It uses a variable other than Params, whose value is not known before a plan runs.
        return False


def _choices(parameter: Parameter) -> list[str]:
    return parameter.enum or (["true", "false"] if parameter.type == "boolean" else [])


def _variables(params: dict[str, str]) -> Variables:
    return {"Params": {**params}}
