"""repo and search: manage repositories of packages, and search them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kudo.cli.command import command
from kudo.cli.options import Output, Repository
from kudo.errors import RequestError

if TYPE_CHECKING:
    from kudo.packages.index import Index

app = typer.Typer(no_args_is_help=True, help="Manage repositories of packages.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the repository.")]


@app.command()
@command
async def add(
    name: Name,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Location of its index.yaml: https://…, file://… or a directory.")
    ],
    skip_check: Annotated[
        bool, typer.Option("--skip-check", "-f", help="Do not check whether it can be read.")
    ] = False,
) -> None:
    """Add a repository."""
    from kudo.cli.console import out
    from kudo.packages.index import read_index
    from kudo.packages.repositories import read_repositories, write_repositories

    repositories = read_repositories()
    repository = repositories.add(name, url)
    if not skip_check:
        await read_index(repository.url)
    write_repositories(repositories)
    out.print(f"The repository {name} was added. Use it with --repo {name}, or by default: `kudo repo context {name}`.")


@app.command()
@command
async def remove(name: Name) -> None:
    """Remove a repository."""
    from kudo.cli.console import out
    from kudo.packages.repositories import read_repositories, write_repositories

    repositories = read_repositories()
    repositories.remove(name)
    write_repositories(repositories)
    out.print(f"The repository {name} was removed.")


@app.command()
@command
async def context(name: Name) -> None:
    """Set the repository that is used without --repo."""
    from kudo.cli.console import out
    from kudo.packages.repositories import read_repositories, write_repositories

    repositories = read_repositories()
    repositories.context = repositories.get(name).name
    write_repositories(repositories)
    out.print(f"The repository {name} is now the default.")


@app.command("list")
@command
async def list_repositories(output: Output = None) -> None:
    """List the repositories; an asterisk marks the default."""
    from kudo.cli.output import print_as, print_table, table
    from kudo.packages.repositories import read_repositories

    repositories = read_repositories()
    if output:
        print_as(output, repositories.to_json())
        return
    listed = table("", "NAME", "URL")
    for repository in repositories.repositories:
        listed.add_row("*" if repository.name == repositories.context else "", repository.name, repository.url)
    print_table(listed)


@app.command()
@command
async def index(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Directory with .tgz packages.")],
    url: Annotated[str, typer.Option("--url", help="Base URL of the packages. Default: that of the index.")] = "",
    merge: Annotated[str, typer.Option("--merge", help="URL of a repository whose entries are merged in.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace an existing index.yaml.")] = False,
) -> None:
    """Create the index.yaml of a directory of packages.

    It turns the directory into a repository.
    """
    from kudo.cli.console import out
    from kudo.packages.files import write_file
    from kudo.packages.index import INDEX, build_index, dump_index, read_index

    if not folder.is_dir():
        raise RequestError(f"{folder} is not a directory.")
    file = folder / INDEX
    if file.exists() and not overwrite:
        raise RequestError(f"{file} already exists. Replace it with --overwrite.")
    created = build_index(folder, url)
    if merge:
        created.merge(await read_index(merge))
    write_file(file, dump_index(created))
    out.print(f"{file} has {_counted(created)}.")


def _counted(index: "Index") -> str:
    count = sum(map(len, index.entries.values()))
    return "1 package" if count == 1 else f"{count} packages"


@command
async def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Text that names contain. Default: all packages.")] = "",
    repo: Repository = "",
    all_versions: Annotated[
        bool, typer.Option("--all-versions", "-a", help="List all versions, not only the newest.")
    ] = False,
    output: Output = None,
) -> None:
    """Search a repository for packages by name."""
    from kudo.cli.console import out
    from kudo.cli.output import print_as, print_table, table
    from kudo.packages.index import read_index
    from kudo.packages.repositories import read_repositories

    repository = read_repositories().get(repo)
    found = await read_index(repository.url)
    entries = [
        entry
        for name in sorted(found.entries)
        if text.lower() in name.lower()
        for entry in found.versions(name)[: None if all_versions else 1]
    ]
    if output:
        print_as(output, [entry.to_json() for entry in entries])
    elif not entries:
        out.print(f"The repository {repository.name} has no package with {text!r} in its name.")
    else:
        listed = table("NAME", "OPERATOR VERSION", "APP VERSION", "DESCRIPTION")
        for entry in entries:
            listed.add_row(entry.name, entry.operator_version, entry.app_version, entry.description)
        print_table(listed)
