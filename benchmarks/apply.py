"""Measures `kudo install --wait` of 50 ConfigMaps, in a serial and a parallel phase, against `kubectl apply`.

python -m benchmarks.apply, with a control plane in $KUBEBUILDER_ASSETS and kubectl on the PATH
"""

import asyncio
import shutil
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.support import steps
from kudo.devstack.ports import Ports, free_port
from kudo.devstack.stack import stack
from kudo.model import yaml

COUNT = 50
ROUNDS = 5

KUDO = Path(sys.executable).with_name("kudo")


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": "value"}}


def write_package(root: Path, strategy: str) -> Path:
    """Write a package with a ConfigMap in each of its steps, and return its directory."""
    (root / "templates").mkdir(parents=True)
    listed = [{**step, "tasks": [step["name"]]} for step in steps(COUNT, "")]
    tasks = []
    for step in listed:
        file = f"{step['name']}.yaml"
        tasks.append({"name": step["name"], "kind": "Apply", "spec": {"resources": [file]}})
        (root / "templates" / file).write_text(yaml.dump(config_map(f"{{{{ Name }}}}-{step['name']}")))
    plan = {"phases": [{"name": "main", "strategy": strategy, "steps": listed}]}
    operator = {"apiVersion": "kudo.dev/v1", "name": strategy, "operatorVersion": "1.0.0", "tasks": tasks}
    (root / "operator.yaml").write_text(yaml.dump({**operator, "plans": {"deploy": plan}}))
    (root / "params.yaml").write_text(yaml.dump({"apiVersion": "kudo.dev/v1", "parameters": []}))
    return root


def write_manifests(file: Path) -> Path:
    """Write the same ConfigMaps with other names to a file, and return it."""
    file.write_text("---\n".join(yaml.dump(config_map(f"{file.stem}-step-{number}")) for number in range(COUNT)))
    return file


async def seconds(*command: object) -> float:
    """Run a command, and return the seconds that it takes."""
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=DEVNULL)
    assert await process.wait() == 0, command
    return time.perf_counter() - begun


def contenders(directory: Path) -> Iterator[tuple[str, Callable[[int], Awaitable[float]]]]:
    """Yield the measured commands: a name, and a function that runs the round of a number and returns its seconds."""
    kubectl = shutil.which("kubectl")

    def install(package: Path) -> Callable[[int], Awaitable[float]]:
        return lambda number: seconds(KUDO, "install", package, "--instance", f"{package.name}-{number}", "--wait")

    def apply(*options: str) -> Callable[[int], Awaitable[float]]:
        name = "-".join(("applied", *options)).replace("--", "")
        return lambda number: seconds(
            kubectl, "apply", *options, "-f", write_manifests(directory / f"{name}-{number}.yaml")
        )

    yield "kubectl apply", apply()
    yield "kubectl apply --server-side", apply("--server-side")
    for strategy in ("parallel", "serial"):
        yield f"kudo install --wait, {strategy}", install(write_package(directory / strategy, strategy))


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with stack(Ports(free_port(0), free_port(0), free_port(0)), None, "control-plane", 0):
            entries = list(contenders(Path(directory)))
            took: dict[str, list[float]] = {name: [] for name, _ in entries}
            for number in range(ROUNDS):
                for name, run in entries:
                    took[name].append(await run(number))
    first = median(took[entries[0][0]])
    for name, times in took.items():
        print(f"{name}: {median(times):.2f} s, ratio {median(times) / first:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
