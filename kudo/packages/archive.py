"""Write a package as a reproducible .tgz: the same files always give the same bytes."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

from kudo.errors import PackageError, RequestError
from kudo.model.package import Package
from kudo.packages.dependencies import leave_named_unresolved, read_bundle
from kudo.packages.files import write_file
from kudo.packages.source import Location


async def write_archive(root: Path, package: Package, destination: Path, *, overwrite: bool = False) -> Path:
    """Write `<operator>[-<appVersion>]-<operatorVersion>.tgz` with all files of a directory except hidden ones.

    Raises RequestError if the archive exists or cannot be written, PackageError if it could not be installed.
    """
    file = destination / f"{package.operator_version_name}.tgz"
    if file.exists() and not overwrite:
        raise RequestError(f"{file} already exists. Replace it with --overwrite.")
    content = _archive(root)
    await _require_usable(file.name, content)
    write_file(file, content)
    return file


async def _require_usable(name: str, content: bytes) -> None:
    """Read an archive as an installation would: archives have stricter limits and paths than directories."""
    with tempfile.TemporaryDirectory(prefix="kudo-") as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        await read_bundle(Location(file, name=name), leave_named_unresolved)


def _archive(root: Path) -> bytes:
    buffer = io.BytesIO()
    # No timestamps in the gzip and tar headers: they would differ from archive to archive.
    with (
        gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if not path.is_file() or any(part.startswith(".") for part in name.parts):
                continue
            if not path.resolve().is_relative_to(root.resolve()):
                raise PackageError(str(root), [f"{name}: is a link that points outside the package"])
            try:
                _add(archive, name.as_posix(), path.read_bytes())
            except OSError as error:
                raise PackageError(str(root), [f"{name}: cannot be read: {error.strerror}"]) from None
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    archive.addfile(member, io.BytesIO(content))
