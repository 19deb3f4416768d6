"""All rules together."""

from kudo.model.package import Package
from kudo.templates import Renderer
from kudo.verification.definitions import definition_findings
from kudo.verification.finding import Finding
from kudo.verification.templates import reference_findings, rendering_findings


async def verify(package: Package) -> list[Finding]:
    """Everything that is wrong with a package that could be read, errors first.

    Templates are rendered with the defaults of parameters, and with samples where there is none. Raises
    TaskRenderingError where a template is malformed.
    """
    found = [*definition_findings(package), *reference_findings(package)]
    # What a template lacks is told already, by line; rendering would stop at the first of it.
    broken = {finding.file for finding in found if finding.severity == "error"}
    async with Renderer(processes=1) as renderer:
        found += await rendering_findings(package, renderer, broken)
    return sorted(found, key=lambda finding: finding.severity)
