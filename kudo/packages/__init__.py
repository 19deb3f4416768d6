"""Operator packages: find, read, check, edit and archive them."""

from kudo.packages.archive import write_archive
from kudo.packages.dependencies import Bundle, read_bundle
from kudo.packages.dialect import newer_fields
from kudo.packages.reader import parameter_of, read_package
from kudo.packages.resolver import PackageResolver
from kudo.packages.schema import SCHEMA_NAMES, SchemaName, schema, schema_file
from kudo.packages.skeleton import write_skeleton
from kudo.packages.source import Location

__all__ = [
    "SCHEMA_NAMES",
    "Bundle",
    "Location",
    "PackageResolver",
    "SchemaName",
    "newer_fields",
    "parameter_of",
    "read_bundle",
    "read_package",
    "schema",
    "schema_file",
    "write_archive",
    "write_skeleton",
]
