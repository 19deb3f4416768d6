"""repo and search: repositories of packages."""

from pathlib import Path
from typing import Annotated

import typer

from kudo.cli.command import command, out
from kudo.cli.options import Output, Repository
from kudo.cli.output import print_as, print_table, table
from kudo.errors import RequestError
from kudo.packages.files import write_file
from kudo.packages.index import INDEX, Index, build_index, dump_index, read_index
from kudo.packages.repositories import read_repositories, write_repositories

app = typer.Typer(no_args_is_help=True, help="Repositories of packages.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the repository.")]


@app.command()
@command
async def add(
    name: Name,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where its index.yaml is: https://…, file://… or a folder.")
    ],
    skip_check: Annotated[bool, typer.Option("--skip-check", "-f", help="Do not look whether it is there.")] = False,
) -> None:
    """Remember a repository."""
    repositories = read_repositories()
    repository = repositories.add(name, url)
    if not skip_check:
        await read_index(repository.url)
    write_repositories(repositories)
    out.print(f"The repository {name} is added. Use it with --repo {name}, or always with `kudo repo context {name}`.")


@app.command()
@command
async def remove(name: Name) -> None:
    """Forget a repository."""
    repositories = read_repositories()
    repositories.remove(name)
    write_repositories(repositories)
    out.print(f"The repository {name} is removed.")


@app.command()
@command
async def context(name: Name) -> None:
    """Use a repository where none is named."""
    repositories = read_repositories()
    repositories.context = repositories.get(name).name
    write_repositories(repositories)
    out.print(f"The repository {name} is used from now on.")


@app.command("list")
@command
async def list_repositories(output: Output = None) -> None:
    """List the repositories; the one that is used is marked."""
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
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with .tgz packages.")],
    url: Annotated[str, typer.Option("--url", help="Where the packages will be; by default beside the index.")] = "",
    merge: Annotated[str, typer.Option("--merge", help="URL of a repository whose entries are added.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace an index that is there.")] = False,
) -> None:
    """Write the index.yaml of a folder of packages, which makes it a repository."""
    if not folder.is_dir():
        raise RequestError(f"{folder} is no folder.")
    file = folder / INDEX
    if file.exists() and not overwrite:
        raise RequestError(f"{file} is there already. Replace it with --overwrite.")
    made = build_index(folder, url)
    if merge:
        made.merge(await read_index(merge))
    write_file(file, dump_index(made))
    out.print(f"{file} has {_counted(made)}.")


def _counted(made: Index) -> str:
    count = sum(map(len, made.entries.values()))
    return "1 package" if count == 1 else f"{count} packages"


@command
async def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a name.")] = "",
    repo: Repository = "",
    all_versions: Annotated[
        bool, typer.Option("--all-versions", "-a", help="All versions, not only the newest.")
    ] = False,
    output: Output = None,
) -> None:
    """Find packages of a repository by name."""
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
