"""The packages that a package's KudoOperator tasks need, and theirs (KUDO's `pkg/kudoctl/resources/dependencies`)."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from kudo.errors import PackageError
from kudo.model.package import Package
from kudo.model.tasks import KudoOperatorSpec, KudoOperatorTask, Task
from kudo.packages.reader import read_package
from kudo.packages.source import Location

MAX_PACKAGES = 100
"""How many packages one may depend on, with all that those depend on."""

Find = Callable[[KudoOperatorSpec], Awaitable[Location | None]]
"""Finds a package that a task names by no path; None leaves the task as it is. Raises RequestError."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A package with everything that it depends on; its tasks name the operators and versions that were found."""

    package: Package
    dependencies: tuple[Package, ...]
    """What others need comes before them."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """All of them, the package itself last."""
        return (*self.dependencies, self.package)


async def read_bundle(location: Location, find: Find) -> Bundle:
    """Read a package and all that it depends on.

    Raises PackageError for a package that cannot be used, and for a cycle, and what `find` raises.
    """
    walk = _Walk(find)
    package = await walk.resolve(location, read_package(location))
    return Bundle(package, tuple(found for found in walk.resolved.values() if found is not package))


@dataclass(frozen=True, slots=True)
class _Walk:
    find: Find
    resolved: dict[str, Package] = field(default_factory=dict)
    read: dict[str, Package] = field(default_factory=dict)
    way: list[str] = field(default_factory=list)

    async def resolve(self, location: Location, package: Package) -> Package:
        """The package with its tasks resolved, and everything below it in `resolved`."""
        name = package.operator_version_name
        if name in self.way:
            cycle = " needs ".join([*self.way[self.way.index(name) :], name])
            raise PackageError(self.way[0], [f"the packages that it depends on go round in a circle: {cycle}"])
        if self.read.setdefault(name, package) != package:
            raise PackageError(str(location), [f"there is another package {name} among what {self.way[0]} depends on"])
        if len(self.read) > MAX_PACKAGES:
            raise PackageError(self.way[0], [f"it depends on more than {MAX_PACKAGES} packages"])
        if name not in self.resolved:
            self.way.append(name)
            tasks = [await self._resolve_task(location, task) for task in package.operator.tasks]
            self.way.pop()
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
        _check(location, task, package)
        operator = (await self.resolve(found, package)).operator
        named = {
            "package": operator.name,
            "operator_version": operator.operator_version,
            "app_version": operator.app_version,
        }
        return task.model_copy(update={"spec": task.spec.model_copy(update=named)})


def _is_path(package: str) -> bool:
    """Whether it is the path of a folder or archive; a name can never be mistaken for one."""
    return "/" in package and "://" not in package


def _check(location: Location, task: KudoOperatorTask, found: Package) -> None:
    for what, wanted, there in other_versions(found, task.spec.operator_version, task.spec.app_version):
        where = f"operator.yaml: tasks.{task.name}.spec.{what}Version"
        raise PackageError(str(location), [f"{where}: {task.spec.package} is of {there}, not of {wanted}"])


def other_versions(package: Package, operator_version: str, app_version: str) -> Iterator[tuple[str, str, str]]:
    """Of what a package is of another version than is wanted: what it is of, what is wanted, and what there is."""
    operator = package.operator
    for what, wanted, there in (
        ("operator", operator_version, operator.operator_version),
        ("app", app_version, operator.app_version),
    ):
        if wanted and wanted != there:
            yield what, wanted, there


async def leave(_: KudoOperatorSpec) -> None:
    """Finds nothing: for who only wants to see the packages that have a path."""
