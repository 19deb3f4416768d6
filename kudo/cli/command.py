"""From a command to its exit status: asyncio, signals, and errors as sentences."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import typer
from rich.console import Console
from rich.text import Text

from kudo.errors import KudoError

P = ParamSpec("P")

# What is printed is other people's: neither [brackets] nor :colons: in it mean anything.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

DEBUG = "KUDO_DEBUG"
"""The environment variable that has tracebacks shown."""

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended."""


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a command of a coroutine; what it raises as KudoError is printed, and its exit status is 1."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            asyncio.run(_until_terminated(function(*args, **kwargs)))
        except KudoError as error:
            err.print(said("Error", "red", str(error)))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if isinstance(error, typer.BadParameter | typer.Exit) or DEBUG in os.environ:
                raise
            defect = f"{type(error).__name__}: {error}"
            err.print(said("Error", "red", f"{defect}\nThis is a defect of kudo. {DEBUG}=1 shows where."))
            raise typer.Exit(1) from None

    return wrapper


async def _until_terminated(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine; SIGTERM ends it as Ctrl-C does, so that nothing is left behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def interruption() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM, where that is how a command is meant to end; a second one ends it hard."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return interrupted


def said(severity: str, colour: str, text: str) -> Text:
    """A message that begins with how bad it is."""
    return Text.assemble((f"{severity}:", f"bold {colour}"), f" {text}")


def leave(status: int) -> None:
    """End the process now: Temporal's client sometimes crashes an interpreter that takes its time to end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
