"""Atomic writes of files, and a check for empty directories."""

import shutil
from pathlib import Path

from kudo.errors import RequestError


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file atomically, and create its parent directories. Raises RequestError; then nothing has changed."""
    # The target of a link is replaced, not the link.
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
    """Raise RequestError if a directory is not empty, or is a file."""
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir())):
        raise RequestError(f"{directory} already exists and is not an empty directory.")
