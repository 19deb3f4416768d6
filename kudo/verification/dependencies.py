"""Checks of the packages that a package depends on."""

from kudo.errors import PackageError
from kudo.packages import Location, read_bundle
from kudo.packages.dependencies import leave_named_unresolved
from kudo.verification.finding import Finding, error


async def dependency_findings(location: Location) -> list[Finding]:
    """Return the problems of dependencies that are given as a path: unreadable, of another version, or cyclic."""
    try:
        await read_bundle(location, leave_named_unresolved)
    except PackageError as problem:
        return [error(f"{problem.package}: {line}") for line in problem.problems]
    return []
