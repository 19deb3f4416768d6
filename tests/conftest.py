"""What most tests stand on: a Temporal server for all of them, and a sandbox cluster for each."""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.plans import Installer
from temporalio.client import Client
from temporalio.service import RPCError

from kudo.cli.ports import free_port
from kudo.cli.temporal import TemporalServer, temporal_server
from kudo.client import Plans, connect
from kudo.cluster import Cluster
from kudo.instances.definitions import install_definitions
from kudo.model import yaml
from kudo.sandbox import Sandbox
from kudo.templates import Renderer
from worker import running

ROLLOUT = 0.05
"""Seconds that a simulated roll-out takes."""


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    database = tmp_path_factory.mktemp("temporal") / "temporal.db"
    async with temporal_server(free_port(0), free_port(0), database) as server:
        yield server


@pytest.fixture
async def client(temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client; what a test leaves running ends with it."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
    client = await connect()
    yield client
    async for left in client.list_workflows("ExecutionStatus = 'Running'"):
        # The list may lag behind, and name what has just ended.
        with contextlib.suppress(RPCError):
            await client.get_workflow_handle(left.id).terminate("the test has ended")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rollout=ROLLOUT) as started:
        yield started


@pytest.fixture
def kubeconfig(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.dump(sandbox.kubeconfig()))
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


@pytest.fixture
async def cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    """A cluster that knows KUDO's resources."""
    async with await Cluster.connect() as connected:
        await install_definitions(connected)
        yield connected


@pytest.fixture(scope="session")
async def renderer() -> AsyncIterator[Renderer]:
    async with Renderer(processes=1) as started:
        yield started


@pytest.fixture
async def installer(cluster: Cluster, client: Client, tmp_path: Path) -> Installer:
    return Installer(cluster, Plans(client), tmp_path)


@pytest.fixture
async def worker(client: Client, cluster: Cluster) -> AsyncIterator[None]:
    """A worker in this process, with a short grace for what may be late."""
    async with running(client, cluster, grace=timedelta(seconds=1)):
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where KUDO_NO_SKIPS is set, as it is in CI, a test that was skipped is one that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("KUDO_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
