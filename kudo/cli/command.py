"""Commands of the application, which import what they need when they run.

The modules with the commands are imported by every call of `kudo`, also for `--help` and for a completion: they import
only what declares their options. The rest is imported in the functions that use it.
"""

import os
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Turn a coroutine function into a command; see `runner.run`."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        from kudo.cli.runner import run

        run(function(*args, **kwargs))

    return wrapper


def leave(status: int) -> None:
    """End the process at once: Temporal's client sometimes crashes an interpreter that shuts down normally."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
