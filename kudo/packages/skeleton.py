"""A new package to begin with, which works as it is."""

from importlib.resources import files
from pathlib import Path

from kudo.errors import RequestError
from kudo.model.package import DNS_LABEL

SKELETON = files("kudo.packages") / "skeleton_files"


def write_skeleton(name: str, directory: Path) -> list[Path]:
    """Write a package of a name into a directory that is empty or not there yet, and return its files.

    Raises RequestError for a name that is none, and where there is something already.
    """
    if not DNS_LABEL.fullmatch(name):
        raise RequestError(f"{name!r} is no name for an operator: use lower case letters, digits, '-' and '.'.")
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir())):
        raise RequestError(f"{directory} is there already, and not empty.")
    written = []
    for file in ("operator.yaml", "params.yaml", "templates/configmap.yaml", "templates/deployment.yaml"):
        target = directory / file
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text((SKELETON / file).read_text().replace("NAME", name))
        except OSError as error:
            raise RequestError(f"{target} cannot be written: {error.strerror}.") from None
        written.append(target)
    return written
