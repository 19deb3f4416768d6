"""Everything about a package that can be told before it is installed."""

from kudo.verification.finding import Finding
from kudo.verification.verify import verify

__all__ = ["Finding", "verify"]
