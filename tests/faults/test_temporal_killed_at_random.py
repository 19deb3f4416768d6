"""A Temporal server that is killed at random times in a plan of twenty steps, and restarted with the same database."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import pytest
from support.object_recorder import ObjectRecorder
from support.outcomes import recorded
from support.plans import Installer
from support.twenty_step_plan import APPLIED, kills, statuses, until_kill_is_due, write_twenty_step_package
from support.workers import WorkerProcess

from kudo.client import Plans, connect
from kudo.devstack.ports import free_port
from kudo.devstack.temporal import TemporalServer, temporal_server
from kudo.kubernetes import Cluster
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox

PATIENCE = 180
"""Maximum seconds for a plan whose server is killed up to three times."""


class Server:
    """A server that can be killed and restarted with the same database."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._ports = free_port(0), free_port(0)
        self._stack = AsyncExitStack()
        self._running: TemporalServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._ports[0]}"

    async def start(self) -> None:
        self._running = await self._stack.enter_async_context(temporal_server(*self._ports, self._database))

    async def restart(self) -> None:
        """Kill the server, which leaves it no time to finish anything, and start it again."""
        assert self._running is not None
        os.kill(self._running.pid, signal.SIGKILL)
        await self._stack.aclose()
        await self.start()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(3))
async def test_plan_completes_although_temporal_server_is_killed(
    cluster: Cluster, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async with Server(tmp_path / "temporal.db") as server, ObjectRecorder.of(sandbox.url) as recorder:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        async with WorkerProcess(), asyncio.timeout(PATIENCE):
            installer = Installer(cluster, Plans(await connect()), tmp_path)
            run = await installer.deploy(write_twenty_step_package(tmp_path))
            for kill in kills(seed, 2, 3):
                await until_kill_is_due(kill, run, recorder, PATIENCE)
                await server.restart()
            outcome = await run.outcome()
            assert outcome.complete, outcome
            assert statuses(outcome.status) == {ExecutionStatus.COMPLETE}
            assert await recorded(installer) == outcome.status
        assert recorder.names("test-") == {f"test-{step}" for step in APPLIED}
        assert recorder.rewritten("test-") == recorder.deleted == []
