"""What most tests stand on: a Temporal server for all of them, and a cluster for each.

What tests of the folders in BOTH say of a cluster has to be true of the sandbox and of Kubernetes. They run on both,
but for those that ask for the sandbox, to look into it or to make it fail, and those marked `only_on`.
"""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.cleanup import ClusterCleaner
from support.control_plane import needs_control_plane
from support.files import Files
from support.plans import Installer
from temporalio.client import Client
from temporalio.service import RPCError

from kudo.client import Plans, connect
from kudo.devstack.control_plane import control_plane
from kudo.devstack.ports import free_port
from kudo.devstack.temporal import TemporalServer, temporal_server
from kudo.instances.crds import install_crds
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.sandbox import Sandbox
from kudo.templates import Renderer
from worker import running

SANDBOX, CONTROL_PLANE = "sandbox", "control-plane"

BOTH = {"kubernetes", "rollout", "plans", "faults", "cli"}

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


@pytest.fixture(scope="session")
async def session_control_plane(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClusterCleaner]:
    async with control_plane(tmp_path_factory.mktemp("control-plane")) as started:
        async with await Cluster.connect(kubeconfig=started.kubeconfig) as cluster:
            await install_crds(cluster)
        yield await ClusterCleaner.of(started.kubeconfig)


@pytest.fixture
async def clean_control_plane(session_control_plane: ClusterCleaner) -> AsyncIterator[Path]:
    """The kubeconfig of the control plane, in which every test finds nothing of another."""
    yield session_control_plane.kubeconfig
    await session_control_plane.clean()


@pytest.fixture
def kubeconfig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig of the test's cluster."""
    file = tmp_path / "kubeconfig"
    if getattr(request, "param", SANDBOX) == SANDBOX:
        file.write_text(yaml.dump(request.getfixturevalue("sandbox").kubeconfig()))
    else:
        file.write_text(request.getfixturevalue("clean_control_plane").read_text())
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests on both clusters."""
    if "kubeconfig" not in metafunc.fixturenames or metafunc.definition.path.parent.name not in BOTH:
        return
    marker = metafunc.definition.get_closest_marker("only_on")
    only = marker.args[0] if marker else SANDBOX if "sandbox" in metafunc.fixturenames else None
    kubernetes = pytest.param(CONTROL_PLANE, marks=needs_control_plane())
    clusters = {SANDBOX: [SANDBOX], CONTROL_PLANE: [kubernetes], None: [SANDBOX, kubernetes]}[only]
    metafunc.parametrize("kubeconfig", clusters, indirect=True)


@pytest.fixture
async def cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    """A cluster that knows KUDO's resources."""
    async with await Cluster.connect() as connected:
        await install_crds(connected)
        yield connected


@pytest.fixture
def files(request: pytest.FixtureRequest, kubeconfig: Path) -> Iterator[Files]:
    """The files in the containers of the test's cluster."""
    if "clean_control_plane" not in request.fixturenames:
        yield Files(None)
        return
    folder = request.getfixturevalue("clean_control_plane").parent / "files"
    yield Files(folder)
    shutil.rmtree(folder, ignore_errors=True)


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which clusters the tests ran on."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", ())]
    counts = [sum(f"[{name}" in node for node in passed) for name in (SANDBOX, CONTROL_PLANE)]
    terminalreporter.write_line(
        "tests of clusters that passed: {} on the sandbox, {} on a control plane".format(*counts)
    )
