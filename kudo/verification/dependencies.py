"""What a package's dependencies are wrong in."""

from kudo.errors import PackageError
from kudo.packages import Location, read_bundle
from kudo.packages.dependencies import skip_named
from kudo.verification.finding import Finding, error


async def dependency_findings(location: Location) -> list[Finding]:
    """Packages that cannot be read, are of another version, or go round in a circle; of those that have a path."""
    try:
        await read_bundle(location, skip_named)
    except PackageError as problem:
        return [error(f"{problem.package}: {line}") for line in problem.problems]
    return []
