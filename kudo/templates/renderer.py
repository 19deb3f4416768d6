"""Renders in a process of its own, because templates come from strangers.

An engine's own budget cannot stop a function that computes for ever or fills the memory. A process can be
stopped, and what it may use is bounded by the operating system.
"""

import asyncio
import multiprocessing
import resource
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import TimeoutError as PoolTimeoutError
from typing import Self

from pebble import ProcessExpired, ProcessPool

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.processes import die_with_parent
from kudo.templates.engine import render_all

TIMEOUT = 20.0
"""Seconds that the templates of one task may take; the first ones also wait for the process to start."""

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space that a rendering process may use."""


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

    async def render(self, api_version: str, sources: Mapping[str, str], variables: Variables) -> dict[str, str]:
        """Render templates by name.

        Raises TaskRenderingError where a template is malformed, out of bounds, or uses something undefined.
        """
        if not sources:
            return {}
        work = self._pool.schedule(render_all, args=(api_version, dict(sources), variables), timeout=self._timeout)
        names = ", ".join(f"templates/{name}" for name in sources)
        try:
            rendered: dict[str, str] = await asyncio.wrap_future(work)
        except PoolTimeoutError:
            raise TaskRenderingError(f"{names}: took longer than {self._timeout:g} s to render") from None
        except (MemoryError, ProcessExpired):
            mebibytes = self._memory // 1024**2
            raise TaskRenderingError(f"{names}: needed more than {mebibytes} MiB to render") from None
        return rendered


def _bound(memory: int) -> None:
    """Bound this process; Ctrl-C in a terminal is its parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
