"""The files of a package, from a directory or a .tgz, with bounds against archives that are made to hurt."""

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kudo.errors import PackageError

MAX_FILE = 1024 * 1024
"""Bytes that one file may have; an OperatorVersion could not hold more."""

MAX_TOTAL = 8 * 1024 * 1024
"""Bytes that all files of a package may have together, unpacked."""

MAX_UNPACKED = 32 * 1024 * 1024
"""Bytes that an archive may unpack to, with all that does not belong to the package."""

MAX_FILES = 1000
"""How many files and folders an archive may have."""

Files = dict[str, str]
"""The text of operator.yaml, params.yaml and the templates, by path in the package."""


_ROOT = PurePosixPath()


@dataclass(frozen=True, slots=True)
class Location:
    """Where a package is: a directory, a .tgz, or a folder in a .tgz."""

    path: Path
    folder: PurePosixPath = _ROOT
    name: str = ""
    """What it is called in errors, where that is not the path."""

    def beside(self, relative: str) -> "Location":
        """Where a package is that this one names by a path. Raises PackageError where that leads out of an archive."""
        if self.path.is_dir():
            return Location(self.path / relative)
        folder = PurePosixPath(posixpath.normpath(self.folder / relative))
        if folder.is_absolute() or ".." in folder.parts:
            raise PackageError(str(self), [f"{relative} leads out of the archive"])
        if folder.suffix == ".tgz":
            raise PackageError(str(self), [f"{relative} is an archive in an archive; use a folder there"])
        return Location(self.path, folder, self.name)

    def __str__(self) -> str:
        name = self.name or str(self.path)
        return name if self.folder == _ROOT else f"{name} ({self.folder})"


def read_files(location: Location) -> Files:
    """Read what belongs to a package. Raises PackageError with everything that is wrong with its files."""
    try:
        is_directory, is_file = location.path.is_dir(), location.path.is_file()
    except OSError as error:
        raise PackageError(str(location), [f"cannot be read: {error.strerror}"]) from None
    if not (is_directory or is_file):
        raise PackageError(str(location), ["there is no such directory or file"])
    members = _directory(location.path) if is_directory else _archive(location)
    return _collect(location, members)


Member = tuple[PurePosixPath, bytes | str]
"""A path in the package with what it holds, or a sentence about what is wrong with it."""


def _collect(location: Location, members: Iterator[Member]) -> Files:
    files: Files = {}
    problems: list[str] = []
    total = 0
    for name, content in members:
        if isinstance(content, str):
            problems.append(f"{name}: {content}")
            continue
        total += len(content)
        if total > MAX_TOTAL:
            problems.append(f"{name}: the files have more than {MAX_TOTAL // 1024} KiB together")
            break
        try:
            files[str(name)] = content.decode()
        except UnicodeDecodeError as error:
            problems.append(f"{name}: is no UTF-8 text (byte {error.start})")
    if problems:
        raise PackageError(str(location), problems)
    return files


def _belongs(name: PurePosixPath) -> bool:
    """Whether the reader wants a file; all else in a package is free text or a child operator's."""
    if not name.parts:
        return False
    if len(name.parts) == 1:
        return name.name in ("operator.yaml", "params.yaml")
    return name.parts[0] == "templates" and name.suffix in (".yaml", ".yml")


def _directory(root: Path) -> Iterator[Member]:
    for file in sorted(root.rglob("*")):
        name = PurePosixPath(file.relative_to(root).as_posix())
        if not _belongs(name) or file.is_dir():
            continue
        if not _is_inside(file, root):
            yield name, "is a link that leads out of the package"
        elif not file.is_file():
            yield name, "is no regular file"
        elif file.stat().st_size > MAX_FILE:
            yield name, f"has more than {MAX_FILE // 1024} KiB"
        else:
            try:
                yield name, file.read_bytes()
            except OSError as error:
                yield name, f"cannot be read: {error.strerror}"


def _is_inside(file: Path, root: Path) -> bool:
    try:
        return file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        # A link to itself leads nowhere, and is no regular file either.
        return True


class _Bounded(io.RawIOBase):
    """The unpacked bytes of a .gz file, up to a bound: tarfile reads headers of any size into memory."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.GzipFile(path)
        self._left = MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise tarfile.ReadError(f"it unpacks to more than {MAX_UNPACKED // 1024**2} MiB")
        return content

    def close(self) -> None:
        self._file.close()
        super().close()


def _archive(location: Location) -> Iterator[Member]:
    path = location.path
    try:
        # A stream: nothing is unpacked to disk, and a bomb is left at the first bound that it breaks.
        with _Bounded(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
            yield from _members(archive, location.folder)
            while unpacked.read(64 * 1024):
                pass  # The checksum comes last.
    except (tarfile.TarError, zlib.error, EOFError, OSError, RecursionError, ValueError) as error:
        yield PurePosixPath(path.name), f"is no .tgz archive that can be read ({error})"


def _members(archive: tarfile.TarFile, folder: PurePosixPath) -> Iterator[Member]:
    for count, member in enumerate(archive):
        name = PurePosixPath(member.name)
        if count >= MAX_FILES:
            yield name, f"the archive has more than {MAX_FILES} entries"
            return
        wanted = member.isfile() and name.is_relative_to(folder) and _belongs(name.relative_to(folder))
        if problem := _member_problem(member, name):
            yield name, problem
        elif wanted and member.size > MAX_FILE:
            yield name.relative_to(folder), f"has more than {MAX_FILE // 1024} KiB"
            return  # To get past it would be to read it.
        elif wanted:
            content = archive.extractfile(member)
            yield name.relative_to(folder), content.read() if content else b""


def _member_problem(member: tarfile.TarInfo, name: PurePosixPath) -> str | None:
    if name.is_absolute() or ".." in name.parts:
        return "leads out of the package"
    if member.issym() or member.islnk():
        return "is a link, and an archive of a package may have none"
    if not (member.isfile() or member.isdir()):
        return "is neither a file nor a folder"
    return None
