"""A real Kubernetes control plane on this machine, for development and tests, without nodes that run pods.

The binaries are in $KUBEBUILDER_ASSETS, as for envtest. etcd and kube-apiserver serve the API; kube-controller-manager
adds workloads and garbage collection; with kube-scheduler and kwok, the pods of workloads become ready, although
nothing runs in them.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kudo.devstack.components import (
    KWOK,
    apiserver_flags,
    certificate,
    etcd_flags,
    follower_flags,
    kwok_flags,
    write_commands,
    write_credentials,
)
from kudo.devstack.ports import HOST, free_port
from kudo.errors import ClusterUnavailable, ConfigurationError, ConflictError
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.objects import Object, ObjectRef
from kudo.processes import die_with_parent, stop

_log = logging.getLogger(__name__)

START_TIMEOUT = 120.0
STOP_TIMEOUT = 15.0

REQUIRED = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
FOLLOWERS = (*CONTROLLERS, "kwok")
"""Optional binaries, which work through the API."""

NODE = ObjectRef("v1", "Node", "", "kwok")
LEASE = ObjectRef("coordination.k8s.io/v1", "Lease", "kube-node-lease", "kwok")


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane."""

    kubeconfig: Path
    parts: tuple[str, ...]
    """The names of its running binaries."""


def find_binaries() -> Path:
    """Return the folder with the binaries. Raises ConfigurationError if a required one is missing."""
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or "/usr/local/kubebuilder/bin").absolute()
    missing = [name for name in REQUIRED if not _is_executable(folder, name)]
    if missing:
        raise ConfigurationError(
            f"There is no {' and no '.join(missing)} in {folder}. Install the binaries with `make control-plane` or "
            "setup-envtest, and set KUBEBUILDER_ASSETS to their folder."
        )
    return folder


def missing_followers(folder: Path) -> list[str]:
    """Return the names of the optional binaries that are missing."""
    return [name for name in FOLLOWERS if not _is_executable(folder, name)]


def _is_executable(folder: Path, name: str) -> bool:
    return os.access(folder / name, os.X_OK)


@asynccontextmanager
async def control_plane(directory: Path, port: int = 0) -> AsyncIterator[ControlPlane]:
    """Run a control plane while the body runs; its data, credentials and logs are in the directory.

    Raises ConfigurationError if it does not start.
    """
    binaries = find_binaries()
    with _alone_in(directory):
        async with _control_plane(binaries, directory, port) as started:
            yield started


@asynccontextmanager
async def _control_plane(binaries: Path, directory: Path, port: int) -> AsyncIterator[ControlPlane]:
    etcd, port = f"http://{HOST}:{free_port(0)}", port or free_port(0)
    kubeconfig = write_credentials(directory, f"https://{HOST}:{port}")
    async with AsyncExitStack() as stack:
        processes = _Processes(binaries, directory, stack)
        await processes.start("etcd", etcd_flags(directory, etcd))
        missing = missing_followers(binaries)
        await processes.start("kube-apiserver", apiserver_flags(directory, etcd, port, missing))
        await processes.until("the API is ready", lambda: _is_ready(kubeconfig))
        async with await Cluster.connect(kubeconfig=kubeconfig) as cluster:
            for name in CONTROLLERS:
                if name not in missing:
                    await processes.start(name, follower_flags(name, kubeconfig, directory))
            if not missing:
                port = free_port(0)
                await _create_objects(cluster, port)
                commands = write_commands(directory)
                await processes.start("kwok", kwok_flags(kubeconfig, directory, port), PATH=str(commands))
                await processes.until("the node is ready", lambda: _has_ready_node(cluster))
        processes.watch()
        yield ControlPlane(kubeconfig, tuple(processes.running))


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Lock a directory. Raises ConfigurationError if another control plane runs in it."""
    with (directory / "control-plane.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"Another control plane runs in {directory}. Choose another directory, or stop it."
            ) from None
        yield


class _Processes:
    """The processes of a control plane, which stop in the opposite order of their start."""

    def __init__(self, binaries: Path, directory: Path, stack: AsyncExitStack) -> None:
        self._binaries = binaries
        self._directory = directory
        self._stack = stack
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, flags: Mapping[str, object], **environment: str) -> None:
        with self._log(name).open("wb") as log:
            try:
                process = await asyncio.create_subprocess_exec(
                    str(self._binaries / name),
                    *(f"--{flag}={value}" for flag, value in flags.items()),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C reaches every process in the terminal's session, and the API must outlive the worker.
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                    env={**os.environ, **environment},
                )
            except OSError as error:
                reason = error.strerror or error
                raise ConfigurationError(f"{self._binaries / name} cannot be executed: {reason}.") from None
        self.running[name] = process
        self._stack.push_async_callback(stop, process, STOP_TIMEOUT)

    def watch(self) -> None:
        """From now on, log if a process ends before it is stopped."""
        for name, process in self.running.items():
            self._stack.callback(asyncio.create_task(self._watch(name, process)).cancel)

    async def _watch(self, name: str, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        _log.error("%s ended with status %s: %s", name, status, self._last_lines(name))

    async def until(self, goal: str, is_reached: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a goal is reached. Raises ConfigurationError if that takes too long or a process ends."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await is_reached():
                    self._require_running()
                    await asyncio.sleep(0.2)
        except TimeoutError:
            last = list(self.running)[-1]
            raise ConfigurationError(
                f"It took longer than {START_TIMEOUT:g} s until {goal}. Last lines of {last}: {self._last_lines(last)}"
            ) from None

    def _require_running(self) -> None:
        for name, process in self.running.items():
            if process.returncode is not None:
                raise ConfigurationError(f"{name} ended with status {process.returncode}: {self._last_lines(name)}")

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _last_lines(self, name: str) -> str:
        return " ".join(self._log(name).read_text(errors="replace").splitlines()[-3:])[-1000:]


async def _is_ready(kubeconfig: Path) -> bool:
    # kube-apiserver creates its certificate when it starts.
    if not certificate(kubeconfig.parent).exists():
        return False
    async with await Cluster.connect(kubeconfig=kubeconfig) as cluster:
        with suppress(ClusterUnavailable):
            return await cluster.is_ready()
    return False


async def _create_objects(cluster: Cluster, port: int) -> None:
    """Create the node and the storage that kwok simulates, unless they exist from an earlier run in the directory.

    kwok runs the commands of containers; the API forwards them to `port`.
    """
    for _, document in yaml.load_documents((KWOK / "objects.yaml").read_text()):
        assert isinstance(document, dict)
        with suppress(ConflictError):
            await cluster.create(Object(document))
    await cluster.patch(NODE, {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}}, "status")
    # Otherwise the lease of an earlier kwok would have to expire before this one manages the node.
    await cluster.delete(LEASE)


async def _has_ready_node(cluster: Cluster) -> bool:
    nodes = await cluster.list("v1", "Node")
    return any(node.condition("Ready").text("status") == "True" for node in nodes)
