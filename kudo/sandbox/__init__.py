"""A Kubernetes API server in memory with simulated controllers, for trying out packages without a cluster."""

from kudo.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
