"""Checks of the packages that a package depends on."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import PurePosixPath

from kudo.errors import KudoError, PackageError
from kudo.model import values, yaml
from kudo.model.base import JsonObject
from kudo.model.execution import Variables
from kudo.model.package import Package
from kudo.model.suggestion import did_you_mean
from kudo.model.tasks import KudoOperatorTask
from kudo.packages import Location, parameter_of, read_bundle
from kudo.packages.dependencies import leave_named_unresolved
from kudo.templates import Renderer, render_all
from kudo.verification.finding import Finding, error, warning
from kudo.verification.samples import sample_variables


async def dependency_findings(package: Package, location: Location, renderer: Renderer) -> list[Finding]:
    """Return the problems of a package's dependencies that are given as a path, and of the parameters that they get.

    They are packages that cannot be read, of another version, or in a cycle, and packages that an archive cannot have.
    """
    try:
        bundle = await read_bundle(location, leave_named_unresolved)
    except PackageError as problem:
        return [error(f"{problem.package}: {line}") for line in problem.problems]
    children = {package.operator.name: package for package in bundle.dependencies}
    found = list(_outside(package))
    for task in bundle.package.operator.tasks:
        if isinstance(task, KudoOperatorTask) and task.spec.package in children:
            child = children[task.spec.package]
            found += [finding async for finding in _parameter_findings(bundle.package, task, child, renderer)]
    return found


def _outside(package: Package) -> Iterator[Finding]:
    for task in package.operator.tasks:
        if isinstance(task, KudoOperatorTask) and ".." in PurePosixPath(task.spec.package).parts:
            yield warning(
                f"operator.yaml: tasks.{task.name}.spec.package: {task.spec.package} is outside of the package, so "
                "`kudo package create` cannot make an archive of it"
            )


async def _parameter_findings(
    package: Package, task: KudoOperatorTask, child: Package, renderer: Renderer
) -> AsyncIterator[Finding]:
    name = task.spec.parameter_file
    given: JsonObject = {}
    if name and name in package.templates:
        sources = {name: package.templates[name]}
        try:
            given = await renderer.run(
                f"templates/{name}", _values, package.operator.api_version, sources, sample_variables(package)
            )
        except KudoError:
            return  # Undefined variables and malformed templates are found as such.
        except yaml.YamlError as malformed:
            yield error(f"templates/{name}: is not a YAML map of names and values: {malformed}")
            return
    where = f"templates/{name}" if name else f"operator.yaml: tasks.{task.name}"
    for problem in _parameter_problems(child, given):
        yield error(f"{where}: the parameters of {child.operator_version_name}: {problem}")


def _values(api_version: str, sources: Mapping[str, str], variables: Variables) -> JsonObject:
    (text,) = render_all(api_version, sources, variables).values()
    content = yaml.load(text)
    return dict(content) if isinstance(content, dict) else {}


def _parameter_problems(child: Package, given: JsonObject) -> Iterator[str]:
    known = {definition.name: parameter_of(definition) for definition in child.params.parameters}
    for name, value in given.items():
        if name not in known:
            yield f"there is no parameter {name!r}{did_you_mean(name, known)}"
        elif (wrapped := values.wrap(value, known[name].type)) is None:
            yield f"{name} has no value"
        elif problem := values.problem(known[name], wrapped):
            yield f"{name} {problem}"
    for name, parameter in known.items():
        if parameter.required and parameter.default is None and name not in given:
            yield f"{name} is required and has no default"
