"""An in-memory Kubernetes API server with simulated controllers, to try out packages without a cluster."""

from kudo.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
