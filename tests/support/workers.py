"""Worker processes, which can be killed."""

import asyncio
import sys
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from support.command import process
from support.waiting import PATIENCE

WORKER = (sys.executable, "-m", "kudo.worker")

READY = b"Running plans"
"""Logged by a worker as soon as it takes tasks; a worker that is killed earlier has done nothing."""


class WorkerProcess:
    """A worker that runs while the body runs, except between `kill` and `start`."""

    def __init__(self, **environment: str) -> None:
        self._environment = environment
        self._stack = AsyncExitStack()
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def identity(self) -> str:
        """The identity of its Temporal client, without the host."""
        assert self._process is not None
        return f"{self._process.pid}@"

    async def start(self) -> None:
        """Start the worker, and wait until it takes tasks."""
        started = await self._stack.enter_async_context(process(*WORKER, **self._environment))
        self._process = started
        await asyncio.wait_for(_until_logged(started, READY), 3 * PATIENCE)

    async def kill(self) -> None:
        """Kill the worker as `kill -9` does, so that it cannot finish or report anything."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def replace(self) -> None:
        """Kill the worker, and start another."""
        await self.kill()
        await self.start()


async def _until_logged(started: Process, text: bytes) -> None:
    assert started.stderr is not None
    log = b""
    while text not in log:
        line = await started.stderr.readline()
        assert line, f"The worker ended. It logged: {log.decode(errors='replace')}"
        log += line
