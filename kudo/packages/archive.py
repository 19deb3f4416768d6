"""Writing a package as a .tgz: the same files always make the same bytes."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

from kudo.errors import PackageError, RequestError
from kudo.model.package import Package
from kudo.packages.dependencies import leave, read_bundle
from kudo.packages.files import write_file
from kudo.packages.source import Location


async def write_archive(root: Path, package: Package, destination: Path, *, overwrite: bool = False) -> Path:
    """Write `<operator>[-<appVersion>]-<operatorVersion>.tgz` with all files of a directory but hidden ones.

    Raises RequestError where it is there already or cannot be written, PackageError where it could not be installed.
    """
    file = destination / f"{package.operator_version_name}.tgz"
    if file.exists() and not overwrite:
        raise RequestError(f"{file} is there already. Replace it with --overwrite.")
    content = _archive(root)
    await _require_usable(file.name, content)
    write_file(file, content)
    return file


async def _require_usable(name: str, content: bytes) -> None:
    """Read it as whoever installs it will: its bounds and its paths are narrower than those of a directory."""
    with tempfile.TemporaryDirectory(prefix="kudo-") as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        await read_bundle(Location(file, name=name), leave)


def _archive(root: Path) -> bytes:
    buffer = io.BytesIO()
    # A time in either header would make every archive another.
    with (
        gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if not path.is_file() or any(part.startswith(".") for part in name.parts):
                continue
            if not path.resolve().is_relative_to(root.resolve()):
                raise PackageError(str(root), [f"{name}: is a link that leads out of the package"])
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
