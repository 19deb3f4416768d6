"""Create a minimal package that can be installed without changes, with the schemas that editors check it by."""

from importlib.resources import files
from pathlib import Path

from kudo.errors import RequestError
from kudo.model.package import SUBDOMAIN
from kudo.packages.files import require_empty, write_file
from kudo.packages.schema import SCHEMA_NAMES, schema_file

SKELETON = files("kudo.packages") / "skeleton_files"
FILES = ("operator.yaml", "params.yaml", "templates/configmap.yaml", "templates/deployment.yaml")


def write_skeleton(name: str, directory: Path) -> list[Path]:
    """Write a package into a directory that is empty or does not exist, and return its files.

    Raises RequestError if the name is invalid or the directory is not empty.
    """
    if not SUBDOMAIN.fullmatch(name):
        raise RequestError(f"{name!r} is not a valid operator name: use lower case letters, digits, '-' and '.'.")
    require_empty(directory)
    texts = {file: (SKELETON / file).read_text().replace("NAME", name) for file in FILES}
    texts |= {f".schemas/{schema}.json": schema_file(schema) for schema in SCHEMA_NAMES}
    for file, text in texts.items():
        write_file(directory / file, text)
    return [directory / file for file in texts]
