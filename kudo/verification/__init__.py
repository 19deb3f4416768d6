"""The checks of a package that need no cluster."""

from kudo.verification.finding import Finding
from kudo.verification.verify import verify, verify_location

__all__ = ["Finding", "verify", "verify_location"]
