"""Fixtures of most tests: a Temporal server for all of them, and a cluster for each.

The tests of the folders in BOTH run on the sandbox and on Kubernetes, and have to pass on both. Tests that use the
fixture `sandbox`, to inspect it or to make it fail, run only there, and tests marked `only_on` only on the one named.
"""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from operator import itemgetter
from pathlib import Path

import hypothesis
import pytest
from support.cleanup import ClusterCleaner
from support.control_plane import missing_control_plane
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
from kudo.worker import running

# Hypothesis fails examples that take long, which says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SANDBOX, CONTROL_PLANE = "sandbox", "control-plane"

BOTH = {"kubernetes", "rollout", "plans", "faults", "cli"}
"""Folders of tests that run on both clusters."""

UNIT = {"conversion", "instances", "manifests", "model", "packages", "project", "templates"}
"""Folders of unit tests, except the tests that use a fixture of SERVERS."""

SERVERS = {"temporal", "sandbox", "kubeconfig", "session_control_plane"}

SLOW = {"faults"}
"""Folders of which all tests are slow."""

WAITING = {"ui", "workflows"}
"""Folders of tests that wait for tens of seconds."""

TIMEOUT = pytest.StashKey[object]()
"""The settings of the timeout of a test."""

ROLLOUT = 0.05
"""Seconds that a simulated roll-out takes."""


@pytest.fixture(scope="session", autouse=True)
def worker_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workflows in Temporal's sandbox, and health of workers in an own directory, which `kudo worker --check` reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUDO_WORKFLOW_SANDBOX", "true")
        patch.setenv("KUDO_RUN_DIR", str(tmp_path_factory.mktemp("run")))
        yield


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    database = tmp_path_factory.mktemp("temporal") / "temporal.db"
    async with temporal_server(free_port(0), free_port(0), database) as server:
        yield server


@pytest.fixture
async def client(temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client; workflows that still run after the test are terminated."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
    client = await connect()
    yield client
    async for workflow in client.list_workflows("ExecutionStatus = 'Running'"):
        # The list lags behind, so that a listed workflow may have ended.
        with contextlib.suppress(RPCError):
            await client.get_workflow_handle(workflow.id).terminate("the test has ended")


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
    """The kubeconfig of the control plane, without objects of other tests."""
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
    """Run the tests of the folders in BOTH on both clusters, unless they are limited to one."""
    if "kubeconfig" not in metafunc.fixturenames or metafunc.definition.path.parent.name not in BOTH:
        return
    marker = metafunc.definition.get_closest_marker("only_on")
    only = marker.args[0] if marker else SANDBOX if "sandbox" in metafunc.fixturenames else None
    kubernetes = pytest.param(CONTROL_PLANE, marks=pytest.mark.control_plane)
    clusters = {SANDBOX: [SANDBOX], CONTROL_PLANE: [kubernetes], None: [SANDBOX, kubernetes]}[only]
    metafunc.parametrize("kubeconfig", clusters, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of each tier before `-m` selects, and order them so that no worker idles at the end of the run.

    The slow tests are spread over the first half, because side by side they delay each other. The tests of folders that
    wait longest come before the others, and unit tests, which are short, come last.
    """
    missing = missing_control_plane()
    for item in items:
        folder = item.path.parent.name
        if folder in SLOW:
            item.add_marker(pytest.mark.slow)
        if folder in UNIT and SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.unit)
        if missing and item.get_closest_marker("control_plane"):
            item.add_marker(pytest.mark.skip(reason=missing))
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    others.sort(key=lambda item: (item.get_closest_marker("unit") is not None, item.path.parent.name not in WAITING))
    distance = len(others) / 2 / max(len(slow), 1)
    positions = [*((number * distance, item) for number, item in enumerate(slow)), *enumerate(others)]
    items[:] = [item for _, item in sorted(positions, key=itemgetter(0))]


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: object) -> None:
    """Keep the settings for the timeout of the teardown."""
    item.stash[TIMEOUT] = settings


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Start the timeout again for the teardown of a test that failed; pytest-timeout stops it for a debugger."""
    if isinstance(node, pytest.Item) and TIMEOUT in node.stash and not node.config.getoption("usepdb"):
        node.ihook.pytest_timeout_set_timer(item=node, settings=node.stash[TIMEOUT])


@pytest.fixture
async def cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    """A cluster in which KUDO's CRDs are installed."""
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


class SharedRenderer(Renderer):
    """A renderer that the workers of many tests use; its processes take a second of CPU time to start."""

    async def __aexit__(self, *_: object) -> None:
        pass

    async def stop(self) -> None:
        await super().__aexit__()


@pytest.fixture(scope="session")
async def renderer() -> AsyncIterator[Renderer]:
    started = SharedRenderer()
    yield started
    await started.stop()


@pytest.fixture
async def installer(cluster: Cluster, client: Client, tmp_path: Path) -> Installer:
    return Installer(cluster, Plans(client), tmp_path)


@pytest.fixture
async def worker(
    client: Client, cluster: Cluster, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """A worker in this process, with a short grace, that does not wait for tasks when it stops."""
    monkeypatch.setattr("kudo.plugin.Renderer", lambda: renderer)
    monkeypatch.setattr("kudo.worker.SHUTDOWN", timedelta(0))
    async with running(client, cluster, grace=timedelta(seconds=1)):
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session if KUDO_NO_SKIPS is set, as in CI, and a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("KUDO_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests passed on each cluster."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", ())]
    counts = [sum(f"[{name}" in node for node in passed) for name in (SANDBOX, CONTROL_PLANE)]
    terminalreporter.write_line(
        "tests of clusters that passed: {} on the sandbox, {} on a control plane".format(*counts)
    )
