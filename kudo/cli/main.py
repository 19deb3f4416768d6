"""The application `kudo`: all commands and groups."""

from typing import Annotated

import typer

from kudo import __version__
from kudo.cli import completion, delete, dev, get, instance, logs, package, plan, repo
from kudo.cli.command import leave

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Its options would be parsed by every command, and its output by rich.
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run KUDO operator packages as durable Temporal workflows.",
)
app.command()(instance.init)
app.command()(instance.install)
app.command()(instance.update)
app.command()(instance.upgrade)
app.command()(instance.rollback)
app.command()(instance.uninstall)
app.command()(logs.logs)
app.add_typer(plan.app, name="plan")
app.add_typer(get.app, name="get")
app.add_typer(delete.app, name="delete")
app.add_typer(package.app, name="package")
app.add_typer(repo.app, name="repo")
app.command()(repo.search)
app.command()(package.render)
app.command()(dev.dev)
app.command()(dev.demo)
app.command()(dev.worker)
app.command()(completion.completion)


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version of kudo.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Run KUDO operator packages as durable Temporal workflows."""


@app.command()
def version() -> None:
    """Print the version of kudo."""
    typer.echo(f"kudo {__version__}")


def run() -> None:
    """Run `kudo` or `kubectl-kudo`."""
    completion.register_shells()
    try:
        app()
    except SystemExit as exit:
        leave(exit.code if isinstance(exit.code, int) else 1)


if __name__ == "__main__":
    run()
