"""Resolve the packages of KudoOperator tasks, recursively (KUDO's `pkg/kudoctl/resources/dependencies`)."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from kudo.errors import PackageError
from kudo.model.package import Package
from kudo.model.tasks import KudoOperatorSpec, KudoOperatorTask, Task
from kudo.packages.reader import read_package
from kudo.packages.source import Location

MAX_PACKAGES = 100
"""Maximum number of packages in a bundle, including the package itself; protects against endless dependency chains."""

Find = Callable[[KudoOperatorSpec], Awaitable[Location | None]]
"""Finds the package of a task whose package is not a path; returns None to leave the task unresolved.

Raises RequestError.
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A package with its dependencies; its tasks have the resolved operator names and versions."""

    package: Package
    dependencies: tuple[Package, ...]
    """Direct and indirect dependencies; each comes before the packages that need it."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """All packages of the bundle, the package itself last."""
        return (*self.dependencies, self.package)

    def rewriting_api_versions(self) -> "Bundle":
        """Return the bundle with packages whose objects are rewritten to API versions that Kubernetes serves."""
        package, *dependencies = (
            package.model_copy(update={"rewrite_api_versions": True}) for package in (self.package, *self.dependencies)
        )
        return Bundle(package, tuple(dependencies))


async def read_bundle(location: Location, find: Find) -> Bundle:
    """Read a package and all its dependencies.

    Raises PackageError for a package that cannot be used and for a cycle, and the errors of `find`.
    """
    resolver = _Resolver(find)
    package = await resolver.resolve(location, read_package(location))
    return Bundle(package, tuple(other for other in resolver.resolved.values() if other is not package))


@dataclass(frozen=True, slots=True)
class _Resolver:
    find: Find
    resolved: dict[str, Package] = field(default_factory=dict)
    read: dict[str, Package] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    async def resolve(self, location: Location, package: Package) -> Package:
        """Return the package with its tasks resolved; add it and its dependencies to `resolved`."""
        name = package.operator_version_name
        if name in self.path:
            cycle = " needs ".join([*self.path[self.path.index(name) :], name])
            raise PackageError(self.path[0], [f"its dependencies form a cycle: {cycle}"])
        if self.read.setdefault(name, package) != package:
            raise PackageError(str(location), [f"{self.path[0]} depends on another package with the name {name}"])
        if len(self.read) > MAX_PACKAGES:
            raise PackageError(self.path[0], [f"it and its dependencies are more than {MAX_PACKAGES} packages"])
        if name not in self.resolved:
            self.path.append(name)
            tasks = [await self._resolve_task(location, task) for task in package.operator.tasks]
            self.path.pop()
            operator = package.operator.model_copy(update={"tasks": tasks})
            self.resolved[name] = package.model_copy(update={"operator": operator})
        return self.resolved[name]

    async def _resolve_task(self, location: Location, task: Task) -> Task:
        if not isinstance(task, KudoOperatorTask):
            return task
        found = location.beside(task.spec.package) if _is_path(task.spec.package) else await self.find(task.spec)
        if found is None:
            return task
        package = read_package(found)
        _require_wanted_versions(location, task, package)
        operator = (await self.resolve(found, package)).operator
        resolved = {
            "package": operator.name,
            "operator_version": operator.operator_version,
            "app_version": operator.app_version,
        }
        return task.model_copy(update={"spec": task.spec.model_copy(update=resolved)})


def _is_path(package: str) -> bool:
    """Return whether a reference is the path of a directory or archive; names of packages contain no slash."""
    return "/" in package and "://" not in package


def _require_wanted_versions(location: Location, task: KudoOperatorTask, found: Package) -> None:
    for kind, wanted, actual in version_mismatches(found, task.spec.operator_version, task.spec.app_version):
        place = f"operator.yaml: tasks.{task.name}.spec.{kind}Version"
        problem = f"{task.spec.package} has version {actual or '(none)'}, not {wanted}"
        raise PackageError(str(location), [f"{place}: {problem}"])


def version_mismatches(package: Package, operator_version: str, app_version: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind (operator or app), wanted and actual version, if a package has another version than is wanted."""
    operator = package.operator
    for kind, wanted, actual in (
        ("operator", operator_version, operator.operator_version),
        ("app", app_version, operator.app_version),
    ):
        if wanted and wanted != actual:
            yield kind, wanted, actual


async def leave_named_unresolved(_: KudoOperatorSpec) -> None:
    """Find no package, so that `read_bundle` resolves only the tasks that have a path."""
