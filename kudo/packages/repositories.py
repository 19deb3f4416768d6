"""The repositories that a user knows, in KUDO's own file: ~/.kudo/repository/repositories.yaml."""

import os
from pathlib import Path

from pydantic import Field, ValidationError

from kudo.errors import RequestError, bullets
from kudo.model import yaml
from kudo.model.base import Model, Name
from kudo.model.validation import explain
from kudo.packages.fetch import scheme_of
from kudo.packages.files import write_file

COMMUNITY = "community"


class Repository(Model):
    """A repository by its name."""

    name: Name
    url: Name
    """Where its index.yaml is: an http, https or file URL, or a folder."""


class Repositories(Model):
    """repositories.yaml."""

    repo_version: Name = "v1"
    context: Name = COMMUNITY
    """The one that is used where none is named."""
    repositories: list[Repository] = Field(
        default=[Repository(name=COMMUNITY, url="https://kudo-repository.storage.googleapis.com/v1")]
    )

    def get(self, name: str = "") -> Repository:
        """A repository by name, or the one of the context. Raises RequestError."""
        wanted = name or self.context
        for repository in self.repositories:
            if repository.name == wanted:
                return repository
        there = ", ".join(repository.name for repository in self.repositories) or "none"
        raise RequestError(f"There is no repository {wanted}. Repositories: {there}.")

    def add(self, name: str, url: str) -> Repository:
        """Raises RequestError where the name is there already, or there is none."""
        if not name or not url:
            raise RequestError("A repository needs a name and a URL.")
        if any(repository.name == name for repository in self.repositories):
            raise RequestError(f"There is a repository {name} already. Remove it first, or choose another name.")
        # A folder has to be found again from everywhere.
        repository = Repository(name=name, url=url if scheme_of(url) else str(Path(url).resolve()))
        self.repositories = [*self.repositories, repository]
        return repository

    def remove(self, name: str) -> None:
        """Raises RequestError where there is none, or where it is the context."""
        repository = self.get(name)
        if name == self.context:
            raise RequestError(f"{name} is the repository in use. Use another first, with `kudo repo context`.")
        self.repositories = [other for other in self.repositories if other is not repository]


def repositories_file() -> Path:
    """Where the file is; KUDO_HOME says another folder than ~/.kudo."""
    home = os.environ.get("KUDO_HOME") or Path.home() / ".kudo"
    return Path(home) / "repository" / "repositories.yaml"


def read_repositories() -> Repositories:
    """The repositories; without a file, the one that KUDO knows by itself. Raises RequestError for a malformed file."""
    file = repositories_file()
    if not file.exists():
        return Repositories()
    try:
        document = yaml.load(file.read_text())
        return Repositories.model_validate(document)
    except (OSError, UnicodeDecodeError, yaml.YamlError) as error:
        raise RequestError(f"{file} cannot be read: {error}") from None
    except ValidationError as error:
        raise RequestError(f"{file} is malformed:{bullets(explain(error, document))}") from None


def write_repositories(repositories: Repositories) -> None:
    """Raises RequestError where the file cannot be written."""
    write_file(repositories_file(), yaml.dump(repositories.to_json()))
