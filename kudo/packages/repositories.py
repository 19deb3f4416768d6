"""The repositories of a user, in the file that KUDO uses as well: ~/.kudo/repository/repositories.yaml."""

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
    """A repository with its name."""

    name: Name
    url: Name
    """The location of its index.yaml: an http, https or file URL, or a directory."""


class Repositories(Model):
    """repositories.yaml."""

    repo_version: Name = "v1"
    context: Name = COMMUNITY
    """The default repository."""
    repositories: list[Repository] = Field(
        default=[Repository(name=COMMUNITY, url="https://kudo-repository.storage.googleapis.com/v1")]
    )

    def get(self, name: str = "") -> Repository:
        """Return a repository by name, or the default one. Raises RequestError if it does not exist."""
        wanted = name or self.context
        for repository in self.repositories:
            if repository.name == wanted:
                return repository
        existing = ", ".join(repository.name for repository in self.repositories) or "none"
        raise RequestError(f"There is no repository {wanted}. Repositories: {existing}.")

    def add(self, name: str, url: str) -> Repository:
        """Add a repository. Raises RequestError if the name exists, or if name or URL is empty."""
        if not name or not url:
            raise RequestError("A repository needs a name and a URL.")
        if any(repository.name == name for repository in self.repositories):
            raise RequestError(
                f"The repository {name} already exists. Remove it with `kudo repo remove {name}`, or use another name."
            )
        # A relative path would be valid only in the current directory.
        repository = Repository(name=name, url=url if scheme_of(url) else str(Path(url).resolve()))
        self.repositories = [*self.repositories, repository]
        return repository

    def remove(self, name: str) -> None:
        """Remove a repository. Raises RequestError if it does not exist or is the default one."""
        repository = self.get(name)
        if name == self.context:
            raise RequestError(f"{name} is the default repository. Set another first, with `kudo repo context NAME`.")
        self.repositories = [other for other in self.repositories if other is not repository]


def repositories_file() -> Path:
    """Return the path of the file; the variable KUDO_HOME replaces ~/.kudo."""
    home = os.environ.get("KUDO_HOME") or Path.home() / ".kudo"
    return Path(home) / "repository" / "repositories.yaml"


def read_repositories() -> Repositories:
    """Return the repositories; without a file, the community one. Raises RequestError for a malformed file."""
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
    """Write the file. Raises RequestError if it cannot be written."""
    write_file(repositories_file(), yaml.dump(repositories.to_json()))
