"""Render in separate processes, because templates are untrusted.

    run -> process pool -> result
           time limit   -> the process is stopped -> TaskRenderingError
           memory limit -> MemoryError            -> TaskRenderingError
           process dies -> RendererDied, which is retried

An engine's own budget cannot stop a function that computes for ever or fills the memory. A process can be stopped, and
the operating system limits its memory.
"""

import asyncio
import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import TimeoutError as PoolTimeoutError
from typing import ParamSpec, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from kudo.errors import RendererDied, TaskRenderingError
from kudo.processes import die_with_parent

TIMEOUT = 20.0
"""Maximum time to render the templates of one task, in seconds; the first ones include the start of the process."""

MEMORY = 1024 * 1024 * 1024
"""Maximum address space of a rendering process, in bytes."""


P = ParamSpec("P")
T = TypeVar("T")


class Renderer:
    """A pool of processes that render templates; an async context manager."""

    def __init__(self, *, processes: int = 2, timeout: float = TIMEOUT, memory: int = MEMORY) -> None:
        self._timeout = timeout
        self._memory = memory
        self._pool = ProcessPool(
            max_workers=processes,
            initializer=_bound,
            initargs=(memory,),
            context=multiprocessing.get_context("spawn"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)

    async def run(self, what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a module-level function in the pool; `what` names the templates in errors.

        Raises the errors of the function, TaskRenderingError if it exceeds a limit, RendererDied if its process dies.
        """
        work = self._pool.schedule(function, args=args, kwargs=kwargs, timeout=self._timeout)
        try:
            result: T = await asyncio.wrap_future(work)
        except PoolTimeoutError:
            raise TaskRenderingError(f"{what}: took longer than {self._timeout:g} s to render") from None
        except MemoryError:
            raise TaskRenderingError(f"{what}: needed more than {self._memory // 1024**2} MiB to render") from None
        except ProcessExpired:
            raise RendererDied(f"{what}: the rendering process was killed") from None
        return result


def _bound(memory: int) -> None:
    """Limit this process, and ignore Ctrl-C, which its parent handles."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
