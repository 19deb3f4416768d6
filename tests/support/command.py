"""Running the command line as a user does: as a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

KUDO = Path(sys.executable).with_name("kudo")
TEMPORAL = Path(sys.executable).with_name("temporal")


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str


async def kudo(*arguments: object, **environment: str) -> Result:
    """Run `kudo` to its end."""
    return await execute(KUDO, *arguments, **environment)


async def execute(*command: object, **environment: str) -> Result:
    """Run a program to its end."""
    async with process(*command, **environment) as started:
        out, err = await asyncio.wait_for(started.communicate(), 90)
        assert started.returncode is not None
        return Result(started.returncode, out.decode(), err.decode())


@asynccontextmanager
async def process(*command: object, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program while the body runs; it is killed where it has not ended by then."""
    started = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200", **environment},
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()
