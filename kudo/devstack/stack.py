"""The development stack: Temporal, a cluster and a worker."""

import os
import shlex
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from kudo.client import connect, require_search_attributes
from kudo.devstack.control_plane import control_plane
from kudo.devstack.ports import HOST, ClusterKind, Ports, is_free
from kudo.devstack.temporal import TemporalServer, temporal_server
from kudo.errors import ConfigurationError
from kudo.instances.crds import install_crds
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.sandbox import Sandbox
from kudo.worker import running


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack."""

    temporal: TemporalServer
    client: Client
    cluster: Cluster
    kubeconfig: Path | None

    def exports(self) -> str:
        """Return the command with which another shell uses the stack."""
        config = f"KUBECONFIG={shlex.quote(str(self.kubeconfig))} " if self.kubeconfig else ""
        return f"export {config}TEMPORAL_ADDRESS={self.temporal.address} KUDO_TEMPORAL_UI={self.temporal.ui}"


@asynccontextmanager
async def stack(ports: Ports, data_dir: Path | None, kind: ClusterKind, rollout: float) -> AsyncIterator[Stack]:
    """Run a stack while the body runs; it leaves no processes, and without `data_dir` no files.

    Raises ConfigurationError if a part cannot start.
    """
    # Databases and kubeconfig contain parameters and keys. The processes that are started inherit this.
    os.umask(0o077)
    async with AsyncExitStack() as parts:
        directory = (data_dir or Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="kudo-")))).absolute()
        _create(directory)
        _require_free(ports, kind)
        temporal = await parts.enter_async_context(temporal_server(ports.temporal, ports.ui, directory / "temporal.db"))
        _use(temporal)
        kubeconfig = None
        if kind == "sandbox":
            state = directory / "sandbox.json" if data_dir else None
            sandbox = await parts.enter_async_context(Sandbox(HOST, ports.cluster, rollout=rollout, state=state))
            kubeconfig = _write_kubeconfig(directory, sandbox)
        elif kind == "control-plane":
            kubeconfig = (await parts.enter_async_context(control_plane(directory, ports.cluster))).kubeconfig
        if kubeconfig:
            os.environ["KUBECONFIG"] = str(kubeconfig)
        cluster = await parts.enter_async_context(await Cluster.connect())
        if kubeconfig:
            await install_crds(cluster)
        client = await connect()
        await require_search_attributes(client)
        await parts.enter_async_context(running(client, cluster))
        yield Stack(temporal, client, cluster, kubeconfig)


def _use(temporal: TemporalServer) -> None:
    """Use this server in the whole process, whatever the environment names."""
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        del os.environ[name]
    os.environ["TEMPORAL_ADDRESS"] = temporal.address
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull


def _create(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The data directory {directory} cannot be created: {error.strerror}.") from None


def _write_kubeconfig(directory: Path, sandbox: Sandbox) -> Path:
    file = directory / "kubeconfig"
    file.write_text(yaml.dump(sandbox.kubeconfig()))
    return file


def _require_free(ports: Ports, kind: ClusterKind) -> None:
    wanted = {"temporal": ports.temporal, "ui": ports.ui}
    if kind != "current":
        wanted["cluster"] = ports.cluster
    for name, port in wanted.items():
        if port and not is_free(port):
            raise ConfigurationError(f"The port {port} is in use. Choose another with --{name}-port.")
