"""The index of a repository: which packages there are, and where (KUDO's `pkg/kudoctl/util/repo`)."""

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
"""Bytes of an index."""


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
        """What tells it from the others of its name."""
        return self.app_version, self.operator_version

    def is_of(self, operator_version: str, app_version: str) -> bool:
        """Whether it is of these versions; an empty one is any."""
        return operator_version in ("", self.operator_version) and app_version in ("", self.app_version)


class Index(Model):
    """index.yaml."""

    api_version: Name
    entries: dict[str, list[Entry]] = {}
    generated: Annotated[datetime | None, OMIT_EMPTY] = None

    def versions(self, name: str) -> list[Entry]:
        """The versions of a package, the newest first."""
        return sorted((entry for entry in self.entries.get(name, []) if not entry.removed), key=_age, reverse=True)

    def find(self, name: str, operator_version: str = "", app_version: str = "") -> Entry | None:
        """The newest version of a package that is of these versions; None where there is none."""
        return next((entry for entry in self.versions(name) if entry.is_of(operator_version, app_version)), None)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add versions. Raises RequestError for one that is there already."""
        for entry in entries:
            there = self.entries.setdefault(entry.name, [])
            if any(other.versions == entry.versions for other in there):
                versions = " of ".join(filter(None, (entry.operator_version, entry.app_version)))
                raise RequestError(f"The index has {entry.name} {versions} already.")
            there.append(entry)
            there.sort(key=_age, reverse=True)

    def merge(self, other: "Index") -> None:
        """Add the versions of another index that this one does not have."""
        for name, entries in other.entries.items():
            own = [entry.versions for entry in self.entries.get(name, [])]
            self.add(entry for entry in entries if entry.versions not in own)


def _age(entry: Entry) -> tuple[PackageVersion, PackageVersion]:
    """As with KUDO, the version of what is operated comes first."""
    return PackageVersion(entry.app_version), PackageVersion(entry.operator_version)


async def read_index(url: str) -> Index:
    """The index of the repository at a URL or in a folder. Raises RequestError."""
    where = f"{url.rstrip('/')}/{INDEX}"
    content = await fetch(where, MAX_INDEX)
    try:
        document = yaml.load(content.decode())
        index = Index.model_validate(document)
    except (UnicodeDecodeError, yaml.YamlError) as error:
        raise RequestError(f"{where} is no YAML: {error}") from None
    except ValidationError as error:
        raise RequestError(f"{where} is no index of a repository:{bullets(explain(error, document))}") from None
    for entries in index.entries.values():
        for entry in entries:
            try:
                entry.urls = [_absolute(url, relative) for relative in entry.urls]
            except ValueError as error:
                what = f"{entry.name} {entry.operator_version}"
                raise RequestError(f"{where}: the URL of {what} is none: {error}.") from None
    return index


def _absolute(repository: str, url: str) -> str:
    """Where an archive is; a relative URL is from the index on."""
    if "://" in repository or "://" in url:
        return urljoin(f"{repository.rstrip('/')}/", url)
    return str(Path(repository) / url)


def build_index(folder: Path, url: str = "") -> Index:
    """The index of all .tgz packages of a folder; `url` is where they will be. Raises PackageError."""
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
    """index.yaml."""
    content: JsonValue = index.to_json()
    return yaml.dump(content)
