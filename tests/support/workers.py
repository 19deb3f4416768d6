"""Workers as processes of their own, which can be killed."""

import asyncio
import sys
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from support.command import process
from support.waiting import PATIENCE

WORKER = (sys.executable, "-m", "worker")

RUNS = b"Running plans"
"""What a worker logs as soon as it takes work; one that is killed before has done nothing yet."""


class WorkerProcess:
    """A worker that runs while the body does, except between `kill` and `start`."""

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
        """How its Temporal client calls itself, without the host."""
        assert self._process is not None
        return f"{self._process.pid}@"

    async def start(self) -> None:
        """Start it, and wait until it takes work."""
        started = await self._stack.enter_async_context(process(*WORKER, **self._environment))
        self._process = started
        await asyncio.wait_for(_says(started, RUNS), 3 * PATIENCE)

    async def kill(self) -> None:
        """End it as `kill -9` does: it cannot do or say anything any more."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def replace(self) -> None:
        """Kill it, and start another."""
        await self.kill()
        await self.start()


async def _says(started: Process, words: bytes) -> None:
    assert started.stderr is not None
    said = b""
    while words not in said:
        line = await started.stderr.readline()
        assert line, f"The worker ended, and said: {said.decode(errors='replace')}"
        said += line
