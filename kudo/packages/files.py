"""Files that are written whole, and folders that are made anew."""

import shutil
from pathlib import Path

from kudo.errors import RequestError


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file whole, and make the folders above it. Raises RequestError; then what was there still is."""
    # What a link leads to is written, not the link.
    target = file.resolve()
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise RequestError(f"{file} cannot be written: {error.strerror}.") from None


def require_empty(directory: Path) -> None:
    """Raises RequestError where there is something in a directory, or a file in its place."""
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir())):
        raise RequestError(f"{directory} is there already, and not empty.")
