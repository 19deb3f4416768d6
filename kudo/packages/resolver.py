"""Finding packages by path, URL or name (KUDO's `pkg/kudoctl/packages/resolver`)."""

import hashlib
import tempfile
from pathlib import Path
from typing import Self

from kudo.errors import PackageError, RequestError
from kudo.model.tasks import KudoOperatorSpec
from kudo.packages.dependencies import Bundle, other_versions, read_bundle
from kudo.packages.fetch import fetch, scheme_of
from kudo.packages.index import Index, read_index
from kudo.packages.repositories import Repository, read_repositories
from kudo.packages.source import MAX_UNPACKED, Location


class PackageResolver:
    """Finds packages; a context manager, after which what was downloaded is gone."""

    def __init__(self, repository: str = "") -> None:
        self._name = repository
        self._index: Index | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="kudo-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    async def resolve(self, package: str, operator_version: str = "", app_version: str = "") -> Bundle:
        """A package, and what it depends on. Raises RequestError or PackageError."""
        bundle = await read_bundle(await self.locate(package, operator_version, app_version), self._of_task)
        for what, wanted, there in other_versions(bundle.package, operator_version, app_version):
            raise RequestError(f"{package} is of the {what} version {there or '(none)'}, not of {wanted}.")
        return bundle

    async def locate(self, package: str, operator_version: str = "", app_version: str = "") -> Location:
        """Where a package is: a directory, a .tgz, a URL, or a name in the repository.

        Raises RequestError where there is none, PackageError where it is not what the repository says.
        """
        # Who names a repository means what is in it, whatever lies here under the same name.
        means_repository = self._name and _is_name(package)
        if "://" not in package and not means_repository and _is_there(Path(package)):
            return Location(Path(package))
        return await self._elsewhere(package, operator_version, app_version)

    async def _elsewhere(self, package: str, operator_version: str, app_version: str) -> Location:
        if "://" in package:
            return await self._download(package, "")
        if not _is_name(package):
            raise RequestError(f"{package} is not there.")
        return await self._named(package, operator_version, app_version)

    async def _named(self, package: str, operator_version: str, app_version: str) -> Location:
        repository = read_repositories().get(self._name)
        index = await self._read_index(repository, package)
        entry = index.find(package, operator_version, app_version)
        if entry is None:
            raise RequestError(_missing(repository, index, package, operator_version, app_version))
        url = entry.urls[0]
        if _is_local(url) and not _is_local(repository.url):
            raise RequestError(f"{url} is a file of this machine, which {repository.url} must not name.")
        return await self._download(url, entry.digest)

    async def _of_task(self, spec: KudoOperatorSpec) -> Location:
        if "://" in spec.package and _is_local(spec.package):
            raise RequestError(f"{spec.package} is a file of this machine, which a package must not name by a URL.")
        # A folder that happens to have the name is none of it.
        return await self._elsewhere(spec.package, spec.operator_version, spec.app_version)

    async def _read_index(self, repository: Repository, package: str) -> Index:
        if self._index is None:
            try:
                self._index = await read_index(repository.url)
            except RequestError as error:
                text = f"{package} is no path, and the repository {repository.name} does not have it: {error}"
                raise RequestError(text) from None
        return self._index

    async def _download(self, url: str, digest: str) -> Location:
        content = await fetch(url, MAX_UNPACKED)
        actual = hashlib.sha256(content).hexdigest()
        if digest and digest.lower() != actual:
            raise PackageError(url, [f"its SHA-256 is {actual}, and the repository says {digest}"])
        file = Path(self._folder.name) / f"{actual}.tgz"
        file.write_bytes(content)
        return Location(file, name=url)


def _missing(repository: Repository, index: Index, package: str, operator_version: str, app_version: str) -> str:
    versions = ", ".join(
        entry.operator_version + (f" (app {entry.app_version})" if entry.app_version else "")
        for entry in index.versions(package)
    )
    if versions:
        wanted = " and ".join(filter(None, (operator_version, app_version and f"app {app_version}")))
        return f"The repository {repository.name} has no {package} {wanted}. It has {versions}."
    return f"{package} is no path, and the repository {repository.name} has no package of this name. See `kudo search`."


def _is_name(package: str) -> bool:
    """Whether it can be the name of a package; else it is a path or a URL."""
    return "/" not in package and not package.endswith(".tgz")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # Of a name that is too long for one, say.


def _is_local(url: str) -> bool:
    """Whether it is read from this machine."""
    return scheme_of(url) not in ("http", "https")
