"""KUDO operator packages as durable Temporal workflows."""

__version__ = "0.1.0"
"""The version of the distribution: the build, `kudo version` and the changelog take it from here."""
