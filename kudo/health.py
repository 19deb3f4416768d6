"""The health of a worker process: whether it makes progress, not only whether it polls.

    event loop -- beat every second ------> Health <-- watchdog thread: ends the process if the loop stays blocked
    renderer   -- probe every 15 seconds -->   |
                                               +--> a file of the process, which `kudo worker --check` reads

A renderer that fails again and again ends the worker as well: other workers take over its tasks.
"""

import asyncio
import faulthandler
import fcntl
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import BaseModel

from kudo.errors import KudoError, WorkerUnhealthy

log = logging.getLogger("kudo.worker")

BEAT = 1.0
"""Seconds between two beats of the event loop."""

SLOW = 10.0
"""Seconds after which an event loop that has not beaten is unhealthy."""

BLOCKED = 60
"""Beats that an event loop may miss before the watchdog ends the process."""

PROBE = 15.0
"""Seconds between two probes of the renderer."""

PROBE_TIMEOUT = 60.0
"""Seconds that a probe may take: it waits for templates that are rendered before it."""

FAILED_PROBES = 4
"""Probes in a row that may fail before the worker ends."""

SIZE = 4096
"""Bytes of a file. Each write replaces all of them, so that a reader sees one write."""

EXIT_BLOCKED = 70
"""The exit status of a process whose event loop was blocked."""

Probe = Callable[[], Awaitable[object]]
"""Renders something. Raises KudoError if that is not possible."""


def directory() -> Path:
    """Return the directory with the files of the workers of this user and machine."""
    return Path(os.environ.get("KUDO_RUN_DIR") or Path(tempfile.gettempdir()) / f"kudo-{os.getuid()}")


class State(BaseModel):
    """The content of a file."""

    beat: float
    """Unix time of the last beat."""
    problem: str = ""
    """Why no template can be rendered; empty if that is possible."""


class Health:
    """The health of this process, written to its file."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._beat = time.monotonic()
        self._problem = ""
        self.failed = asyncio.Event()
        """Set when the renderer has failed for so long that the worker should end."""
        self._path = directory() / f"worker-{os.getpid()}.json"
        self._file: int | None = None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch the process while the body runs."""
        # Without a place for the file, only the polls of the worker tell that it runs.
        with suppress(OSError):
            self._file = self._open()
        stopped = threading.Event()
        threading.Thread(target=self._watch, args=(stopped,), daemon=True, name="watchdog").start()
        tasks = [asyncio.create_task(self._beating()), asyncio.create_task(self._probing())]
        try:
            yield
        finally:
            stopped.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._file is not None:
                self._path.unlink(missing_ok=True)
                os.close(self._file)
                self._file = None

    def _open(self) -> int:
        """Open the file, and lock it: the lock ends with the process, whatever becomes of the file and of its PID."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # It fails if another worker of this process has the file, which tells of the process as a whole.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise
        return file

    async def _beating(self) -> None:
        while True:
            self._beat = time.monotonic()
            self._write()
            await asyncio.sleep(BEAT)

    def _write(self) -> None:
        if self._file is not None:
            state = State(beat=time.time(), problem=self._problem[: SIZE // 8])
            with suppress(OSError):
                os.pwrite(self._file, state.model_dump_json().encode().ljust(SIZE), 0)

    async def _probing(self) -> None:
        failures = 0
        while True:
            await asyncio.sleep(PROBE)
            try:
                async with asyncio.timeout(PROBE_TIMEOUT):
                    await self._probe()
            except (KudoError, TimeoutError) as error:
                failures += 1
                self._problem = f"no template can be rendered: {error or f'no result after {PROBE_TIMEOUT:g} s'}"
                log.warning("%s", self._problem)
            else:
                failures, self._problem = 0, ""
            if failures >= FAILED_PROBES:
                log.error("The worker ends, because %s", self._problem)
                self.failed.set()

    def _watch(self, stopped: threading.Event) -> None:
        missed, seen = 0, self._beat
        # A process that was stopped as a whole, as by SIGSTOP, misses no beats: this thread sleeps as well.
        while not stopped.wait(BEAT):
            missed = missed + 1 if self._beat == seen else 0
            seen = self._beat
            if missed >= BLOCKED:
                print(f"The event loop was blocked for {missed} s; the worker ends.", file=sys.stderr)
                faulthandler.dump_traceback(sys.stderr)
                os._exit(EXIT_BLOCKED)


def check_processes() -> bool:
    """Return whether a worker of this machine has written its health. Raises WorkerUnhealthy."""
    found = False
    for file in sorted(directory().glob("worker-*.json")):
        pid = file.stem.removeprefix("worker-")
        try:
            state = _read(file)
        except (OSError, ValueError):
            continue  # It belongs to somebody else, or has just been made.
        if state is None:
            continue
        found = True
        if (late := time.time() - state.beat) > SLOW:
            raise WorkerUnhealthy(f"The worker {pid} makes no progress: its event loop is blocked for {late:.0f} s.")
        if state.problem:
            raise WorkerUnhealthy(f"The worker {pid} makes no progress: {state.problem}.")
    return found


def _read(path: Path) -> State | None:
    """Return the content of a file, or None if its process has ended."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return State.model_validate_json(file.read())
    return None
