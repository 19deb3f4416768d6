"""The verification of a package: all checks together."""

from kudo.manifests.api_versions import CURRENT
from kudo.model.package import Package
from kudo.templates import Renderer
from kudo.verification.definitions import definition_findings
from kudo.verification.finding import Finding
from kudo.verification.templates import reference_findings, rendering_findings


async def verify(package: Package, kubernetes: str = CURRENT) -> list[Finding]:
    """Return the findings of a package for a minor version of Kubernetes, errors first.

    Templates are rendered with the defaults of parameters, and with samples of required ones that have none. Raises
    TaskRenderingError if a template is malformed.
    """
    found = [*definition_findings(package), *reference_findings(package)]
    # Undefined variables are found already, each with its line; rendering would stop at the first.
    broken = {finding.file for finding in found if finding.severity == "error"}
    async with Renderer(processes=1) as renderer:
        found += await rendering_findings(package, renderer, broken, kubernetes)
    return sorted(found, key=lambda finding: finding.severity)
