"""The verification of a package: all checks together."""

from collections.abc import Iterable

from kudo.errors import PackageError
from kudo.model.kubernetes import KUBERNETES_VERSION
from kudo.model.package import Package
from kudo.packages import Location, read_package
from kudo.templates import Renderer
from kudo.verification.definitions import definition_findings
from kudo.verification.dependencies import dependency_findings
from kudo.verification.finding import Finding, error
from kudo.verification.objects import object_findings
from kudo.verification.pipes import pipe_findings
from kudo.verification.templates import reference_findings, render_places


async def verify_location(
    location: Location, kubernetes: str = KUBERNETES_VERSION
) -> tuple[Package | None, list[Finding]]:
    """Return a package and its findings, with those of its dependencies; None for the package if it cannot be read."""
    try:
        package = read_package(location)
    except PackageError as problem:
        return None, [error(text) for text in problem.problems]
    async with Renderer.of_command() as renderer:
        found = await _findings(package, renderer, kubernetes)
        found += await dependency_findings(package, location, renderer)
    return package, _sorted(found)


async def verify(package: Package, kubernetes: str = KUBERNETES_VERSION) -> list[Finding]:
    """Return the findings of a package for a minor version of Kubernetes, errors first.

    Templates are rendered with the defaults of parameters, and with samples of required ones that have none.
    """
    async with Renderer.of_command() as renderer:
        return _sorted(await _findings(package, renderer, kubernetes))


async def _findings(package: Package, renderer: Renderer, kubernetes: str) -> list[Finding]:
    found = [*definition_findings(package), *reference_findings(package)]
    # Undefined variables are found already, each with its line; rendering would stop at the first.
    broken = {finding.file for finding in found if finding.severity == "error"}
    rendered, failed = await render_places(package, renderer, broken)
    pipes = await pipe_findings(package, renderer, broken)
    return [*found, *failed, *pipes, *object_findings(package, rendered, kubernetes)]


def _sorted(found: Iterable[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity)
