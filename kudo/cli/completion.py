"""completion: complete commands, options and arguments in a shell."""

from typing import Annotated, Literal

import typer
from typer._completion_shared import get_completion_script
from typer.completion import get_completion_inspect_parameters

Shell = Annotated[Literal["bash", "zsh", "fish", "powershell"], typer.Argument(help="Shell that completes.")]


def register_shells() -> None:
    """Register the shells that complete commands, which Typer does only for an application with its own options."""
    get_completion_inspect_parameters()


def completion(shell: Shell) -> None:
    """Print the script with which a shell completes commands.

    For example, add `source <(kudo completion bash)` to ~/.bashrc.
    """
    typer.echo(get_completion_script(prog_name="kudo", complete_var="_KUDO_COMPLETE", shell=shell))
