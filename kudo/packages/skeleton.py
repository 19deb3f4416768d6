"""Create a minimal package that can be installed without changes."""

from importlib.resources import files
from pathlib import Path

from kudo.errors import RequestError
from kudo.model.package import DNS_LABEL
from kudo.packages.files import require_empty, write_file

SKELETON = files("kudo.packages") / "skeleton_files"


def write_skeleton(name: str, directory: Path) -> list[Path]:
    """Write a package into a directory that is empty or does not exist, and return its files.

    Raises RequestError if the name is invalid or the directory is not empty.
    """
    if not DNS_LABEL.fullmatch(name):
        raise RequestError(f"{name!r} is not a valid operator name: use lower case letters, digits, '-' and '.'.")
    require_empty(directory)
    written = []
    for file in ("operator.yaml", "params.yaml", "templates/configmap.yaml", "templates/deployment.yaml"):
        target = directory / file
        write_file(target, (SKELETON / file).read_text().replace("NAME", name))
        written.append(target)
    return written
