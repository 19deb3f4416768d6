"""The command line, run as a user runs it: as a process of its own."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryFile
from typing import IO

from support.waiting import PATIENCE

KUDO = Path(sys.executable).with_name("kudo")
TEMPORAL = Path(sys.executable).with_name("temporal")

COLUMNS = {"COLUMNS": "200"}


@dataclass(frozen=True)
class Result:
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str


async def kudo(*arguments: object, **environment: str) -> Result:
    """Run `kudo` to its end, in a fork of a process that has imported it; see `kudo_server`."""
    if sys.platform != "linux" or not COLUMNS.keys().isdisjoint(environment):
        # The width is read when the modules are imported.
        return await execute(KUDO, *arguments, **environment)
    command = [str(KUDO), *map(str, arguments)]
    request = {"command": command, "environment": os.environ | COLUMNS | environment, "directory": os.getcwd()}  # noqa: PTH109
    with _streams() as (stdin, out, err):
        files = [stdin.fileno(), out.fileno(), err.fileno()]
        with _requested(json.dumps(request).encode(), files) as reply:
            status = await asyncio.wait_for(_status(reply), PATIENCE)
        out.seek(0)
        err.seek(0)
        return Result(status, out.read().decode(), err.read().decode())


@contextmanager
def _streams() -> Iterator[tuple[IO[bytes], IO[bytes], IO[bytes]]]:
    """Open the standard streams of a command: an empty one, and two files."""
    with Path(os.devnull).open("rb") as stdin, TemporaryFile() as out, TemporaryFile() as err:
        yield stdin, out, err


@cache
def _server() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Start the process that commands are forked from; it ends with this one, which closes its socket."""
    requests, remote = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with remote:
        script = Path(__file__).with_name("kudo_server.py")
        return requests, subprocess.Popen(
            [sys.executable, script], stdin=remote.fileno(), env={**os.environ, **COLUMNS}
        )


@contextmanager
def _requested(message: bytes, files: list[int]) -> Iterator[socket.socket]:
    """Request a command from the server; the socket receives its process ID and its exit status."""
    reply, remote = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reply.setblocking(False)
    with reply:
        with remote:
            server, _ = _server()
            socket.send_fds(server, [message], [*files, remote.fileno()])
        yield reply


async def _status(reply: socket.socket) -> int:
    """Wait for the exit status of a command, and kill the command if the wait is cancelled."""
    loop = asyncio.get_running_loop()
    pid = int(await loop.sock_recv(reply, 100))
    try:
        return int(await loop.sock_recv(reply, 100))
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
        raise


async def execute(*command: object, **environment: str) -> Result:
    """Run a program to its end."""
    async with process(*command, **environment) as started:
        out, err = await asyncio.wait_for(started.communicate(), PATIENCE)
        assert started.returncode is not None
        return Result(started.returncode, out.decode(), err.decode())


@asynccontextmanager
async def process(*command: object, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program while the body runs, and kill it afterwards if it has not ended."""
    started = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **COLUMNS, **environment},
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()
