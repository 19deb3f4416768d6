"""Support for the benchmarks: a temporary stack, generated packages, and the size of histories."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil
from temporalio.client import Client

from kudo.client import Plans, connect
from kudo.devstack.ports import HOST, free_port
from kudo.devstack.temporal import temporal_server
from kudo.instances.crds import install_crds
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.operations.install import create_instance
from kudo.operations.session import Session
from kudo.packages import Bundle, read_package
from kudo.sandbox import Sandbox
from kudo.worker import running

NAMESPACE = "default"


@dataclass(frozen=True)
class Bench:
    """A Temporal server and a sandbox cluster."""

    client: Client
    cluster: Cluster
    cluster_port: int


@asynccontextmanager
async def stack_without_worker() -> AsyncIterator[Bench]:
    """Start Temporal with a SQLite file, and a sandbox cluster; set the environment variables for both."""
    async with AsyncExitStack() as parts:
        directory = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        temporal = await parts.enter_async_context(
            temporal_server(free_port(0), free_port(0), directory / "temporal.db")
        )
        port = free_port(0)
        sandbox = await parts.enter_async_context(Sandbox(HOST, port, rollout=0))
        (directory / "kubeconfig").write_text(yaml.dump(sandbox.kubeconfig()))
        os.environ |= {"TEMPORAL_ADDRESS": temporal.address, "KUBECONFIG": str(directory / "kubeconfig")}
        cluster = await parts.enter_async_context(await Cluster.connect())
        await install_crds(cluster)
        yield Bench(await connect(), cluster, port)


@asynccontextmanager
async def measured_stack() -> AsyncIterator[Bench]:
    """Start the same with a worker in this process."""
    async with stack_without_worker() as bench, running(bench.client, bench.cluster):
        yield bench


@asynccontextmanager
async def worker(module: str) -> AsyncIterator[psutil.Process]:
    """Run a worker in a process of its own."""
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield psutil.Process(started.pid)
    finally:
        started.kill()
        await started.wait()


def cpu(*processes: psutil.Process) -> float:
    """Return the CPU time of processes and their children, in seconds."""
    everything = [one for process in processes for one in (process, *process.children(recursive=True))]
    return sum(sum(one.cpu_times()[:2]) for one in everything)


def temporal_process() -> psutil.Process:
    """Return the Temporal server that this process has started."""
    return next(child for child in psutil.Process().children() if "temporal" in child.name())


async def install(
    bench: Bench,
    name: str,
    plan: dict[str, object],
    tasks: list[dict[str, object]],
    params: Mapping[str, str] = MappingProxyType({}),
    **templates: str,
) -> Plans:
    """Generate a package, and install an instance of it with its name."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        operator = {"apiVersion": "kudo.dev/v1", "name": name, "operatorVersion": "1.0.0", "tasks": tasks}
        (root / "operator.yaml").write_text(yaml.dump({**operator, "plans": {"deploy": plan}}))
        parameters = [{"name": parameter, "default": value} for parameter, value in params.items()]
        (root / "params.yaml").write_text(yaml.dump({"apiVersion": "kudo.dev/v1", "parameters": parameters}))
        (root / "templates").mkdir()
        for template, text in templates.items():
            (root / "templates" / f"{template}.yaml").write_text(text)
        package = read_package(root)
    plans = Plans(bench.client)
    await create_instance(Session(bench.cluster, plans, NAMESPACE), Bundle(package, ()), name, {})
    return plans


def steps(count: int, task: str) -> list[dict[str, object]]:
    """Return a number of steps, each with this task."""
    return [{"name": f"step-{number}", "tasks": [task]} for number in range(count)]


@dataclass(frozen=True)
class History:
    """The size of a workflow's history."""

    events: int
    size: int
    """Bytes."""

    def __str__(self) -> str:
        return f"{self.events:,} events, {self.size / 1000:,.0f} KB"


async def history(bench: Bench, workflow_id: str) -> History:
    """Return the size of the history of a workflow's last run."""
    fetched = await bench.client.get_workflow_handle(workflow_id).fetch_history()
    return History(len(fetched.events), sum(event.ByteSize() for event in fetched.events))
