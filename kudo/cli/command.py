"""Run a command: asyncio, signals, errors and the exit status."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from typing import Any, ParamSpec

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from kudo.errors import KudoError

P = ParamSpec("P")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters, except tabs and line breaks; YAML and JSON contain none as they are."""


class PlainConsole(Console):
    """A console for names and messages of packages and clusters.

    [Brackets] and :colons: in them are not markup, and escape sequences do not reach the terminal.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render something without control characters other than those that rich itself writes."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_CONTROL.sub("\ufffd", segment.text))


out = PlainConsole()
err = PlainConsole(stderr=True)

DEBUG = "KUDO_DEBUG"
"""The environment variable that enables tracebacks."""

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C or SIGTERM ended."""


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Turn a coroutine function into a command, which prints a KudoError and exits with status 1."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            asyncio.run(_until_terminated(function(*args, **kwargs)))
        except KudoError as error:
            err.print(with_severity("Error", "red", str(error)))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if isinstance(error, typer.BadParameter | typer.Exit) or DEBUG in os.environ:
                raise
            defect = f"{type(error).__name__}: {error}"
            err.print(with_severity("Error", "red", f"{defect}\nThis is a bug in kudo. Set {DEBUG}=1 for a traceback."))
            raise typer.Exit(1) from None

    return wrapper


async def _until_terminated(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine; SIGTERM cancels it as Ctrl-C does, so that it can clean up."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def interruption() -> asyncio.Event:
    """Return an event that Ctrl-C or SIGTERM sets, for commands that run until then; a second signal kills."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return interrupted


def with_severity(severity: str, colour: str, text: str) -> Text:
    """Return a message that begins with its severity."""
    return Text.assemble((f"{severity}:", f"bold {colour}"), f" {text}")


def leave(status: int) -> None:
    """End the process at once: Temporal's client sometimes crashes an interpreter that shuts down normally."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
