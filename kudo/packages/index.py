"""The index of a repository: its packages and their URLs (KUDO's `pkg/kudoctl/util/repo`)."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urljoin

from pydantic import Field, JsonValue, ValidationError

from kudo.errors import RequestError, bullets
from kudo.model import yaml
from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.resources import Maintainer
from kudo.model.validation import explain
from kudo.model.versions import PackageVersion
from kudo.packages.fetch import fetch
from kudo.packages.reader import read_package

INDEX = "index.yaml"

MAX_INDEX = 32 * 1024 * 1024
"""Maximum size of an index, in bytes."""


class Entry(Model):
    """One version of a package in a repository."""

    name: Name
    operator_version: Name
    app_version: Text = ""
    description: Text = ""
    maintainers: Annotated[list[Maintainer], OMIT_EMPTY] = []
    urls: list[str] = Field(min_length=1)
    removed: Annotated[bool, OMIT_EMPTY] = False
    digest: Text = ""
    """The SHA-256 of the archive, in hexadecimal."""

    @property
    def versions(self) -> tuple[str, str]:
        """The app version and operator version, which identify the entry among those of its name."""
        return self.app_version, self.operator_version

    def matches(self, operator_version: str, app_version: str) -> bool:
        """Return whether the entry has these versions; an empty version matches any."""
        return operator_version in ("", self.operator_version) and app_version in ("", self.app_version)


class Index(Model):
    """index.yaml."""

    api_version: Name
    entries: dict[str, list[Entry]] = {}
    generated: Annotated[datetime | None, OMIT_EMPTY] = None

    def versions(self, name: str) -> list[Entry]:
        """Return the versions of a package, the newest first."""
        return sorted((entry for entry in self.entries.get(name, []) if not entry.removed), key=_age, reverse=True)

    def find(self, name: str, operator_version: str = "", app_version: str = "") -> Entry | None:
        """Return the newest entry of a package that matches these versions; None if there is none."""
        return next((entry for entry in self.versions(name) if entry.matches(operator_version, app_version)), None)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add entries. Raises RequestError for a version that the index already has."""
        for entry in entries:
            existing = self.entries.setdefault(entry.name, [])
            if any(other.versions == entry.versions for other in existing):
                versions = " of ".join(filter(None, (entry.operator_version, entry.app_version)))
                raise RequestError(f"The index already has {entry.name} {versions}.")
            existing.append(entry)
            existing.sort(key=_age, reverse=True)

    def merge(self, other: "Index") -> None:
        """Add the entries of another index whose versions are missing in this one."""
        for name, entries in other.entries.items():
            existing = [entry.versions for entry in self.entries.get(name, [])]
            self.add(entry for entry in entries if entry.versions not in existing)


def _age(entry: Entry) -> tuple[PackageVersion, PackageVersion]:
    """Return the sort key of an entry: the app version before the operator version, as in KUDO."""
    return PackageVersion(entry.app_version), PackageVersion(entry.operator_version)


async def read_index(url: str) -> Index:
    """Return the index of the repository at a URL or in a directory. Raises RequestError."""
    where = f"{url.rstrip('/')}/{INDEX}"
    content = await fetch(where, MAX_INDEX)
    try:
        document = yaml.load(content.decode())
        index = Index.model_validate(document)
    except (UnicodeDecodeError, yaml.YamlError) as error:
        raise RequestError(f"{where} is not valid YAML: {error}") from None
    except ValidationError as error:
        raise RequestError(f"{where} is not a repository index:{bullets(explain(error, document))}") from None
    for entries in index.entries.values():
        for entry in entries:
            try:
                entry.urls = [_absolute(url, relative) for relative in entry.urls]
            except ValueError as error:
                package = f"{entry.name} {entry.operator_version}"
                raise RequestError(f"{where}: the URL of {package} is invalid: {error}.") from None
    return index


def _absolute(repository: str, url: str) -> str:
    """Return the absolute URL or path of an archive; relative ones are relative to the index."""
    if "://" in repository or "://" in url:
        return urljoin(f"{repository.rstrip('/')}/", url)
    return str(Path(repository) / url)


def build_index(folder: Path, url: str = "") -> Index:
    """Create the index of all .tgz packages in a directory; `url` is the base of their URLs. Raises PackageError."""
    index = Index(api_version="v1", generated=datetime.now(UTC))
    index.add(_entry(archive, url) for archive in sorted(folder.glob("*.tgz")))
    return index


def _entry(archive: Path, url: str) -> Entry:
    operator = read_package(archive).operator
    return Entry(
        name=operator.name,
        operator_version=operator.operator_version,
        app_version=operator.app_version,
        description=operator.description,
        maintainers=operator.maintainers,
        urls=[f"{url.rstrip('/')}/{archive.name}" if url else archive.name],
        digest=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )


def dump_index(index: Index) -> str:
    """Return an index as the text of index.yaml."""
    content: JsonValue = index.to_json()
    return yaml.dump(content)
