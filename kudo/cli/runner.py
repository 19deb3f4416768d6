"""Run the coroutine of a command: asyncio, signals, errors and the exit status."""

import asyncio
import os
import signal
from collections.abc import Coroutine

import typer

from kudo.cli.console import err, with_severity
from kudo.errors import KudoError

DEBUG = "KUDO_DEBUG"
"""The environment variable that enables tracebacks."""

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C or SIGTERM ended."""


def run(work: Coroutine[object, object, None]) -> None:
    """Run a coroutine; print a KudoError and exit with status 1."""
    try:
        asyncio.run(_until_terminated(work))
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


async def _until_terminated(work: Coroutine[object, object, None]) -> None:
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
