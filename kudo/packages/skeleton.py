"""A new package to begin with, which works as it is."""

from importlib.resources import files
from pathlib import Path

from kudo.errors import RequestError
from kudo.model.package import DNS_LABEL
from kudo.packages.files import require_empty, write_file

SKELETON = files("kudo.packages") / "skeleton_files"


def write_skeleton(name: str, directory: Path) -> list[Path]:
    """Write a package of a name into a directory that is empty or not there yet, and return its files.

    Raises RequestError for a name that is none, and where there is something already.
    """
    if not DNS_LABEL.fullmatch(name):
        raise RequestError(f"{name!r} is no name for an operator: use lower case letters, digits, '-' and '.'.")
    require_empty(directory)
    written = []
    for file in ("operator.yaml", "params.yaml", "templates/configmap.yaml", "templates/deployment.yaml"):
        target = directory / file
        write_file(target, (SKELETON / file).read_text().replace("NAME", name))
        written.append(target)
    return written
