"""Render in separate processes, because templates are untrusted.

    run -> process pool -> result
           time limit   -> the process is stopped -> TaskRenderingError
           memory limit -> MemoryError            -> TaskRenderingError
           process dies -> RendererDied, which is retried
           pool breaks  -> RendererUnavailable, which is retried with another pool

An engine's own budget cannot stop a function that computes for ever or fills the memory. A process can be stopped, and
the operating system limits its memory.

A worker spawns its processes, because a fork would copy the locks that its threads hold. A command forks its one where
it has no other thread yet: a new interpreter would first import the engines again.
"""

import asyncio
import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as PoolTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, ParamSpec, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from kudo.errors import RendererDied, RendererUnavailable, TaskRenderingError
from kudo.processes import die_with_parent
from kudo.templates.turns import Turns

TIMEOUT = 20.0
"""Maximum time to render the templates of one task, in seconds; the first ones include the start of the process."""

MEMORY = 1024 * 1024 * 1024
"""Maximum address space of a rendering process, in bytes."""

CHECK = 1.0
"""Seconds between two checks whether the pool still works."""

RENDERS_FOR: ContextVar[str] = ContextVar("RENDERS_FOR", default="")
"""The Instance whose templates are rendered: the Instances share the processes equally, however much each renders."""

P = ParamSpec("P")
T = TypeVar("T")


class Renderer:
    """A pool of processes that render templates; an async context manager."""

    def __init__(
        self,
        *,
        processes: int = 2,
        timeout: float = TIMEOUT,
        memory: int = MEMORY,
        start_method: Literal["spawn", "fork"] = "spawn",
    ) -> None:
        self._processes = processes
        self._timeout = timeout
        self._memory = memory
        self._turns = Turns(processes)
        self._pool = self._create_pool(start_method)
        if start_method == "fork":
            # Before there are other threads: a pool starts with its first use otherwise.
            _works(self._pool)
        self._stopping: set[asyncio.Task[None]] = set()

    @classmethod
    def of_command(cls) -> Self:
        """Return a renderer of one process for a command, which renders within a second of its start."""
        return cls(processes=1, start_method="fork" if _is_single_threaded() else "spawn")

    def _create_pool(self, start_method: str = "spawn") -> ProcessPool:
        return ProcessPool(
            max_workers=self._processes,
            initializer=_bound,
            initargs=(self._memory,),
            context=multiprocessing.get_context(start_method),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await _stop(self._pool)
        await asyncio.gather(*self._stopping)

    async def run(self, what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a module-level function in the pool; `what` names the templates in errors.

        Raises the errors of the function, TaskRenderingError if it exceeds a limit, RendererDied if its process dies,
        RendererUnavailable if no process can be started.
        """
        async with self._turns.turn(RENDERS_FOR.get()):
            return await self._run(what, function, *args, **kwargs)

    async def _run(self, what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        pool = self._pool
        try:
            work = pool.schedule(function, args=args, kwargs=kwargs, timeout=self._timeout)
            result: T = await _result(pool, work)
        except PoolTimeoutError:
            raise TaskRenderingError(f"{what}: took longer than {self._timeout:g} s to render") from None
        except MemoryError:
            raise TaskRenderingError(f"{what}: needed more than {self._memory // 1024**2} MiB to render") from None
        except ProcessExpired:
            raise RendererDied(f"{what}: the rendering process was killed") from None
        except (BrokenProcessPool, RuntimeError, OSError) as error:
            # Functions raise no such errors, except through a defect; the pool does when it cannot start a process.
            if _works(pool):
                raise
            self._replace(pool)
            raise RendererUnavailable(f"{what}: no rendering process could be started ({error})") from None
        return result

    def _replace(self, broken: ProcessPool) -> None:
        """Replace a pool that broke, which never works again."""
        if self._pool is broken:
            self._pool = self._create_pool()
            stopping = asyncio.create_task(_stop(broken))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)


async def _result(pool: ProcessPool, work: "Future[T]") -> T:
    """Return the result of work. Raises BrokenProcessPool if the pool breaks, which may leave the work undone."""
    waiting = asyncio.wrap_future(work)
    try:
        while not waiting.done():
            await asyncio.wait([waiting], timeout=CHECK)
            if not waiting.done() and not _works(pool):
                raise BrokenProcessPool("the pool broke")
        return waiting.result()
    finally:
        waiting.cancel()


def _works(pool: ProcessPool) -> bool:
    try:
        return bool(pool.active)
    except (BrokenProcessPool, OSError):
        return False  # It was not started yet, and cannot be.


async def _stop(pool: ProcessPool) -> None:
    pool.stop()
    await asyncio.to_thread(pool.join)


def _is_single_threaded() -> bool:
    """Whether this process has one thread, of Python or of a library; other systems than Linux do not tell."""
    return sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1


def _bound(memory: int) -> None:
    """Limit this process, and ignore Ctrl-C, which its parent handles."""
    # A fork has the handlers of its parent's event loop, which would take the signals of this process for its own.
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
