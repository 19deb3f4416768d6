"""A real Kubernetes control plane on this machine, for development and tests, without any machine that runs pods.

The binaries are where envtest has them, in $KUBEBUILDER_ASSETS. With etcd and kube-apiserver there is an API; with
kube-controller-manager there are workloads and garbage collection, too; and with kube-scheduler and kwok the pods of
workloads become ready, though nothing runs in them.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kudo.cli.ports import HOST, free_port
from kudo.cluster import Cluster
from kudo.errors import ClusterUnavailable, ConfigurationError, ConflictError
from kudo.model import yaml
from kudo.model.objects import Object, ObjectRef
from kudo.processes import die_with_parent

START_TIMEOUT = 120.0
STOP_TIMEOUT = 15.0

REQUIRED = ("etcd", "kube-apiserver")
FOLLOWERS = ("kube-controller-manager", "kube-scheduler", "kwok")
"""What works on the API, and may be missing."""

LEASE = ObjectRef("coordination.k8s.io/v1", "Lease", "kube-node-lease", "kwok")

KWOK = files("kudo.cli") / "kwok"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane that runs."""

    kubeconfig: Path
    parts: tuple[str, ...]
    """The binaries that it is made of."""


def find_binaries() -> Path:
    """The folder with the binaries. Raises ConfigurationError where what is required is not there."""
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or "/usr/local/kubebuilder/bin")
    missing = [name for name in REQUIRED if not _is_there(folder, name)]
    if missing:
        raise ConfigurationError(
            f"There is no {' and no '.join(missing)} in {folder}. Have `make control-plane` or setup-envtest bring "
            "them, and set KUBEBUILDER_ASSETS to the folder that they are in."
        )
    return folder


def missing_followers(folder: Path) -> list[str]:
    """The binaries without which some of Kubernetes' controllers do not run."""
    return [name for name in FOLLOWERS if not _is_there(folder, name)]


def _is_there(folder: Path, name: str) -> bool:
    return os.access(folder / name, os.X_OK)


@asynccontextmanager
async def control_plane(directory: Path, port: int = 0) -> AsyncIterator[ControlPlane]:
    """Run a control plane while the body runs; its data, credentials and logs are in the directory.

    Raises ConfigurationError where it does not start.
    """
    binaries = find_binaries()
    etcd, port = f"http://{HOST}:{free_port(0)}", port or free_port(0)
    kubeconfig = _write_credentials(directory, f"https://{HOST}:{port}")
    async with AsyncExitStack() as stack:
        processes = _Processes(binaries, directory, stack)
        await processes.start("etcd", _etcd_flags(directory, etcd))
        await processes.start("kube-apiserver", _apiserver_flags(directory, etcd, port))
        await processes.until("the API is ready", lambda: _is_ready(kubeconfig))
        missing = missing_followers(binaries)
        async with await Cluster.connect(kubeconfig=kubeconfig) as cluster:
            if not missing:
                await _make_objects(cluster)
            for name in FOLLOWERS:
                if name not in missing:
                    await processes.start(name, _follower_flags(name, kubeconfig, directory))
            if not missing:
                await processes.until("the machine is ready", lambda: _has_machine(cluster))
        yield ControlPlane(kubeconfig, tuple(processes.running))


class _Processes:
    """The processes, which are stopped in the opposite order."""

    def __init__(self, binaries: Path, directory: Path, stack: AsyncExitStack) -> None:
        self._binaries = binaries
        self._directory = directory
        self._stack = stack
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, flags: Mapping[str, object]) -> None:
        with self._log(name).open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                str(self._binaries / name),
                *(f"--{flag}={value}" for flag, value in flags.items()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches everything in the terminal's session, and the API has to outlive the worker.
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.running[name] = process
        self._stack.push_async_callback(_stop, process)

    async def until(self, what: str, look: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is true. Raises ConfigurationError where that takes too long, or a process ends."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await look():
                    self._require_running()
                    await asyncio.sleep(0.2)
        except TimeoutError:
            last = list(self.running)[-1]
            said = self._last_words(last)
            raise ConfigurationError(f"It took longer than {START_TIMEOUT:g} s until {what}; {last}: {said}") from None

    def _require_running(self) -> None:
        for name, process in self.running.items():
            if process.returncode is not None:
                said = self._last_words(name)
                raise ConfigurationError(f"{name} ended with status {process.returncode}: {said}")

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _last_words(self, name: str) -> str:
        return " ".join(self._log(name).read_text(errors="replace").splitlines()[-3:])[-1000:]


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _is_ready(kubeconfig: Path) -> bool:
    # kube-apiserver makes its own certificate when it starts.
    if not _certificate(kubeconfig.parent).exists():
        return False
    async with await Cluster.connect(kubeconfig=kubeconfig) as cluster:
        with suppress(ClusterUnavailable):
            return await cluster.is_ready()
    return False


async def _make_objects(cluster: Cluster) -> None:
    """The machine and the storage that kwok pretends to have; they are there where the directory was used before."""
    for _, document in yaml.load_documents((KWOK / "objects.yaml").read_text()):
        assert isinstance(document, dict)
        with suppress(ConflictError):
            await cluster.create(Object(document))
    # The kwok of the last time would have to expire before another may speak for the machine.
    await cluster.delete(LEASE)


async def _has_machine(cluster: Cluster) -> bool:
    nodes = await cluster.list("v1", "Node")
    return any(node.condition("Ready").text("status") == "True" for node in nodes)


def _certificate(directory: Path) -> Path:
    return directory / "apiserver.crt"


def _service_account_key(directory: Path) -> Path:
    return directory / "service-accounts.key"


def _tokens(directory: Path) -> Path:
    return directory / "tokens.csv"


def _write_credentials(directory: Path, url: str) -> Path:
    """The key of service accounts' tokens, an administrator's token, and the kubeconfig that has it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    token = secrets.token_hex(16)
    certificate = str(_certificate(directory))
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": url, "certificate-authority": certificate}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin", "namespace": "default"}}],
        "current-context": "local",
    }
    kubeconfig = directory / "kubeconfig"
    for file, text in (
        (_service_account_key(directory), pem.decode()),
        (_tokens(directory), f"{token},admin,1,system:masters\n"),
        (kubeconfig, yaml.dump(content)),
    ):
        file.touch(mode=0o600)
        file.write_text(text)
    return kubeconfig


def _etcd_flags(directory: Path, url: str) -> dict[str, object]:
    peers = f"http://{HOST}:{free_port(0)}"
    return {
        "data-dir": directory / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        # What is lost with the machine is of no use without it.
        "unsafe-no-fsync": "true",
    }


def _apiserver_flags(directory: Path, etcd: str, port: int) -> dict[str, object]:
    return {
        "etcd-servers": etcd,
        "bind-address": HOST,
        "advertise-address": HOST,
        "secure-port": port,
        "cert-dir": directory,
        "token-auth-file": _tokens(directory),
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": _service_account_key(directory),
        "service-account-signing-key-file": _service_account_key(directory),
        "service-cluster-ip-range": "10.0.0.0/16",
        "allow-privileged": "true",
        # Without it the API would announce an address of this machine, and refuses one that is loopback.
        "endpoint-reconciler-type": "none",
    }


def _follower_flags(name: str, kubeconfig: Path, directory: Path) -> dict[str, object]:
    flags: dict[str, object] = {"kubeconfig": kubeconfig}
    if name == "kwok":
        with as_file(KWOK / "stages.yaml") as stages:
            return flags | {"config": stages, "manage-all-nodes": "true", "node-lease-duration-seconds": 40}
    flags |= {
        "leader-elect": "false",
        "bind-address": HOST,
        "secure-port": free_port(0),
        "cert-dir": directory / name,
        # The defaults are meant for an API that others need, too.
        "kube-api-qps": 200,
        "kube-api-burst": 400,
    }
    if name == "kube-controller-manager":
        flags |= {
            "service-account-private-key-file": _service_account_key(directory),
            "root-ca-file": _certificate(directory),
        }
    return flags
