"""What the measurements share: a stack of their own, packages of Dummy tasks, and histories."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kudo.cli.stack import Ports, Stack, free_port, stack
from kudo.client import Plans
from kudo.instances.install import install_instance, install_package
from kudo.model import yaml
from kudo.packages import read_package

NAMESPACE = "default"


@asynccontextmanager
async def measured_stack() -> AsyncIterator[Stack]:
    """Temporal with a SQLite file, a sandbox cluster and a worker in this process."""
    ports = Ports(free_port(0), free_port(0), free_port(0))
    async with stack(ports, None, "sandbox", 0.0) as started:
        yield started


async def install(
    started: Stack, name: str, plan: dict[str, object], tasks: list[dict[str, object]], **templates: str
) -> Plans:
    """Install a package that is made up, and an instance with its name."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        operator = {"apiVersion": "kudo.dev/v1", "name": name, "operatorVersion": "1.0.0", "tasks": tasks}
        (root / "operator.yaml").write_text(yaml.dump({**operator, "plans": {"deploy": plan}}))
        (root / "params.yaml").write_text(yaml.dump({"apiVersion": "kudo.dev/v1"}))
        (root / "templates").mkdir()
        for template, text in templates.items():
            (root / "templates" / f"{template}.yaml").write_text(text)
        package = read_package(root)
    await install_package(started.cluster, package, NAMESPACE)
    await install_instance(started.cluster, package, NAMESPACE, name, {})
    return Plans(started.client)


def steps(count: int, task: str) -> list[dict[str, object]]:
    """That many steps with one task each."""
    return [{"name": f"step-{number}", "tasks": [task]} for number in range(count)]


@dataclass(frozen=True)
class History:
    """How large the history of a workflow is."""

    events: int
    size: int

    def __str__(self) -> str:
        return f"{self.events:,} events, {self.size / 1000:,.0f} KB"


async def history(started: Stack, workflow_id: str) -> History:
    """Measure the history of a workflow's last run."""
    fetched = await started.client.get_workflow_handle(workflow_id).fetch_history()
    return History(len(fetched.events), sum(event.ByteSize() for event in fetched.events))
