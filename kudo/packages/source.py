"""Read the files of a package from a directory or a .tgz, with limits that protect against malicious archives."""

import gzip
import io
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kudo.errors import PackageError

MAX_FILE = 1024 * 1024
"""Maximum size of a file, in bytes; an OperatorVersion could not store a larger one."""

MAX_TOTAL = 8 * 1024 * 1024
"""Maximum size of all files of a package, unpacked, in bytes."""

MAX_UNPACKED = 32 * 1024 * 1024
"""Maximum unpacked size of an archive, in bytes, including files that do not belong to the package."""

MAX_FILES = 1000
"""Maximum number of files and directories in an archive."""

MAX_HEADER = 16 * 1024
"""Maximum size of an extended header of an archive, in bytes."""

_DIGITS = re.compile(rb"[0-9]{32}")
"""More digits than a number in an extended header has."""

Files = dict[str, str]
"""The text of operator.yaml, params.yaml and the templates, by path in the package."""


_ROOT = PurePosixPath()


@dataclass(frozen=True, slots=True)
class Location:
    """The location of a package: a directory, a .tgz, or a directory in a .tgz."""

    path: Path
    folder: PurePosixPath = _ROOT
    name: str = ""
    """The name in errors; by default the path."""

    def beside(self, relative: str) -> "Location":
        """Return the location at a path relative to this one. Raises PackageError if the path leaves the archive."""
        if self.path.is_dir():
            return Location(self.path / relative)
        folder = PurePosixPath(posixpath.normpath(self.folder / relative))
        if folder.is_absolute() or ".." in folder.parts:
            raise PackageError(str(self), [f"{relative} points outside the archive"])
        if folder.suffix == ".tgz":
            raise PackageError(str(self), [f"{relative} is an archive inside an archive; use a directory instead"])
        return Location(self.path, folder, self.name)

    def __str__(self) -> str:
        name = self.name or str(self.path)
        return name if self.folder == _ROOT else f"{name} ({self.folder})"


def read_files(location: Location) -> Files:
    """Read the files of a package. Raises PackageError with all problems of its files."""
    try:
        is_directory, is_file = location.path.is_dir(), location.path.is_file()
    except OSError as error:
        raise PackageError(str(location), [f"cannot be read: {error.strerror}"]) from None
    if not (is_directory or is_file):
        raise PackageError(str(location), ["no such file or directory"])
    members = _directory(location.path) if is_directory else _archive(location)
    return _collect(location, members)


Member = tuple[PurePosixPath, bytes | str]
"""A path in the package with its content (bytes), or the reason why it is refused (str)."""


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
            problems.append(f"{name}: the files are larger than {MAX_TOTAL // 1024} KiB in total")
            break
        try:
            files[str(name)] = content.decode()
        except UnicodeDecodeError as error:
            problems.append(f"{name}: is not UTF-8 text (byte {error.start})")
    if problems:
        raise PackageError(str(location), problems)
    return files


def _belongs(name: PurePosixPath) -> bool:
    """Return whether a file is part of the package.

    Others are free text, belong to a child operator, or are hidden, as macOS and editors leave them.
    """
    if not name.parts or any(part.startswith(".") for part in name.parts):
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
            yield name, "is a link that points outside the package"
        elif not file.is_file():
            yield name, "is not a regular file"
        elif file.stat().st_size > MAX_FILE:
            yield name, f"is larger than {MAX_FILE // 1024} KiB"
        else:
            try:
                yield name, file.read_bytes()
            except OSError as error:
                yield name, f"cannot be read: {error.strerror}"


def _is_inside(file: Path, root: Path) -> bool:
    try:
        return file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        # A link to itself; the caller reports that it is not a regular file.
        return True


def _archive(location: Location) -> Iterator[Member]:
    path = location.path
    try:
        unpacked = io.BytesIO(_unpack(path))
        with tarfile.open(fileobj=unpacked, mode="r:", tarinfo=_BoundedHeader) as archive:
            yield from _members(archive, location.folder)
    except (tarfile.TarError, zlib.error, EOFError, OSError, RecursionError, ValueError) as error:
        yield PurePosixPath(path.name), f"is not a readable .tgz archive ({error})"


def _unpack(path: Path) -> bytes:
    """Return the unpacked bytes of a .gz file. Raises ReadError if there are more than MAX_UNPACKED."""
    with gzip.GzipFile(path) as file:
        content = file.read(MAX_UNPACKED + 1)
    if len(content) > MAX_UNPACKED:
        raise tarfile.ReadError(f"it unpacks to more than {MAX_UNPACKED // 1024**2} MiB")
    return content


class _BoundedHeader(tarfile.TarInfo):
    """The header of a member; tarfile needs time that grows with the square of the digits in an extended header."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        extended = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        if self.type in extended and archive.fileobj is not None:
            start = archive.fileobj.tell()
            content = archive.fileobj.read(MAX_HEADER + 1)
            archive.fileobj.seek(start)
            if self.size > MAX_HEADER or _DIGITS.search(content[: self.size]):
                raise tarfile.ReadError("a header is too long")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


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
            yield name.relative_to(folder), f"is larger than {MAX_FILE // 1024} KiB"
            return  # The rest may be huge as well.
        elif wanted:
            content = archive.extractfile(member)
            yield name.relative_to(folder), content.read() if content else b""


def _member_problem(member: tarfile.TarInfo, name: PurePosixPath) -> str | None:
    if name.is_absolute() or ".." in name.parts:
        return "points outside the package"
    if member.issym() or member.islnk():
        return "is a link; a package archive must not contain links"
    if not (member.isfile() or member.isdir()):
        return "is neither a file nor a directory"
    return None
