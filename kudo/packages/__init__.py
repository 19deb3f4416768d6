"""Operator packages: read from disk, checked, and turned into what a cluster holds."""

from kudo.packages.archive import write_archive
from kudo.packages.dialect import newer_fields
from kudo.packages.reader import explain, parameter_of, read_package
from kudo.packages.skeleton import write_skeleton

__all__ = ["explain", "newer_fields", "parameter_of", "read_package", "write_archive", "write_skeleton"]
