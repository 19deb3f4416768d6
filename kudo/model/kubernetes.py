"""The version of Kubernetes that packages are verified against."""

KUBERNETES_VERSION = "1.37"
"""The minor version whose kinds, fields and removed API versions are known."""
