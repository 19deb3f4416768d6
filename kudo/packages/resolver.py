"""Find packages by path, URL or name (KUDO's `pkg/kudoctl/packages/resolver`).

    URL                              -> download
    existing path                    -> read in place, unless a repository is given and the reference can be a name
    name (no "/" and not "….tgz")    -> newest matching version in the index of the repository -> download

Named packages of KudoOperator tasks are resolved in the same way, but never to a local path; `read_bundle` resolves the
tasks that have a path.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Self

from kudo.errors import PackageError, RequestError
from kudo.model.package import OperatorFile
from kudo.model.tasks import KudoOperatorSpec
from kudo.packages.dependencies import Bundle, read_bundle, version_mismatches
from kudo.packages.fetch import fetch, scheme_of
from kudo.packages.index import Entry, Index, read_index
from kudo.packages.reader import read_package
from kudo.packages.repositories import Repository, read_repositories
from kudo.packages.source import MAX_UNPACKED, Location


class PackageResolver:
    """Finds packages; a context manager that deletes its downloads on exit."""

    def __init__(self, repository: str = "") -> None:
        self._name = repository
        self._index: Index | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="kudo-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    async def resolve(self, package: str, operator_version: str = "", app_version: str = "") -> Bundle:
        """Return a package with its dependencies. Raises RequestError or PackageError."""
        bundle = await read_bundle(await self.locate(package, operator_version, app_version), self._of_task)
        for kind, wanted, actual in version_mismatches(bundle.package, operator_version, app_version):
            raise RequestError(f"{package} has {kind} version {actual or '(none)'}, not {wanted}.")
        return bundle

    async def locate(self, package: str, operator_version: str = "", app_version: str = "") -> Location:
        """Return the location of a package: a directory, a .tgz, a URL, or a name in the repository.

        Raises RequestError if it does not exist, PackageError if its digest differs from that in the index.
        """
        # With an explicit repository, a name refers to its package, even if a local file has the same name.
        in_repository = self._name and _is_name(package)
        if "://" not in package and not in_repository and _exists(Path(package)):
            return Location(Path(package))
        return await self._locate_remote(package, operator_version, app_version)

    async def _locate_remote(self, package: str, operator_version: str, app_version: str) -> Location:
        if "://" in package:
            url, digest = _digest_of(package)
            return await self._download(url, digest, "its URL")
        if not _is_name(package):
            raise RequestError(f"{package} does not exist.")
        return await self._named(package, operator_version, app_version)

    async def _named(self, package: str, operator_version: str, app_version: str) -> Location:
        repository = read_repositories().get(self._name)
        index = await self._read_index(repository, package)
        entry = index.find(package, operator_version, app_version)
        if entry is None:
            raise RequestError(_missing(repository, index, package, operator_version, app_version))
        url = entry.urls[0]
        if _is_local(url) and not _is_local(repository.url):
            raise RequestError(f"{url} is a local file. The index of {repository.url} must not refer to local files.")
        location = await self._download(url, entry.digest)
        _require_entry(location, read_package(location).operator, entry)
        return location

    async def _of_task(self, spec: KudoOperatorSpec) -> Location:
        if "://" in spec.package and _is_local(spec.package):
            raise RequestError(f"{spec.package} is a local file. A package must not refer to local files by URL.")
        if "://" in spec.package and not _digest_of(spec.package)[1]:
            raise RequestError(
                f"{spec.package} has no digest. A package must name the content of another one that it gets by URL: "
                f"append {_DIGEST} and the SHA-256 of the archive in hexadecimal."
            )
        # A directory with the same name must not replace the package of the repository.
        return await self._locate_remote(spec.package, spec.operator_version, spec.app_version)

    async def _read_index(self, repository: Repository, package: str) -> Index:
        if self._index is None:
            try:
                self._index = await read_index(repository.url)
            except RequestError as error:
                message = f"{package} is not a path, and the index of the repository {repository.name} cannot be used"
                raise RequestError(f"{message}: {error}") from None
        return self._index

    async def _download(self, url: str, digest: str, source: str = "the index of the repository") -> Location:
        content = await fetch(url, MAX_UNPACKED)
        actual = hashlib.sha256(content).hexdigest()
        if digest and digest.lower() != actual:
            raise PackageError(url, [f"its SHA-256 is {actual}, but {source} has {digest}"])
        file = Path(self._folder.name) / f"{actual}.tgz"
        file.write_bytes(content)
        return Location(file, name=url)


_DIGEST = "#sha256="


def _digest_of(url: str) -> tuple[str, str]:
    """Split a URL from the digest in its fragment; the digest is empty if it has none."""
    address, found, digest = url.partition(_DIGEST)
    return (address, digest) if found else (url, "")


def _require_entry(location: Location, operator: OperatorFile, entry: Entry) -> None:
    """Raise PackageError if a downloaded package is not the one that the index describes."""
    problems = [
        f"its {field} is {actual or '(none)'}, but the index of the repository has {expected or '(none)'}"
        for field, actual, expected in (
            ("name", operator.name, entry.name),
            ("operatorVersion", operator.operator_version, entry.operator_version),
            ("appVersion", operator.app_version, entry.app_version),
        )
        if actual != expected
    ]
    if problems:
        raise PackageError(str(location), problems)


def _missing(repository: Repository, index: Index, package: str, operator_version: str, app_version: str) -> str:
    versions = ", ".join(
        entry.operator_version + (f" (app {entry.app_version})" if entry.app_version else "")
        for entry in index.versions(package)
    )
    if versions:
        wanted = " and ".join(filter(None, (operator_version, app_version and f"app {app_version}")))
        return f"The repository {repository.name} has no {package} {wanted}. Available versions: {versions}."
    return (
        f"{package} is not a path, and the repository {repository.name} has no package of this name. "
        f"List its packages with `kudo search --repo {repository.name}`."
    )


def _is_name(package: str) -> bool:
    """Return whether a reference can be the name of a package; otherwise it is a path or a URL."""
    return "/" not in package and not package.endswith(".tgz")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # For example, the name is too long for the file system.


def _is_local(url: str) -> bool:
    """Return whether a URL refers to a local file."""
    return scheme_of(url) not in ("http", "https")
