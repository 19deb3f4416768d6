"""The checks of a package that need no cluster."""

from kudo.verification.dependencies import dependency_findings
from kudo.verification.finding import Finding
from kudo.verification.verify import verify

__all__ = ["Finding", "dependency_findings", "verify"]
