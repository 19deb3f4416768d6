"""Runs plans under random faults, and checks what they did.

make faults ARGS="--plans 60 --seed 1"

The plans run in groups, with a Temporal dev server, a Kubernetes control plane and two workers. Every few seconds, one
of the processes is killed (SIGKILL) and started again, or stopped for a while (SIGSTOP). Nothing else fails, so that
each plan has to become COMPLETE, in Temporal and in its Instance, and has to create each of its objects once, which the
audit log of kube-apiserver shows. The exit status is 1 if that is not so.
"""

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

import psutil
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError

from kudo.client import Outcome, Plans, Run, connect
from kudo.devstack.control_plane import control_plane
from kudo.devstack.ports import free_port
from kudo.devstack.temporal import temporal_server
from kudo.errors import KudoError, PlanAlreadyRunning
from kudo.instances.crds import install_crds
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.status import ExecutionStatus
from kudo.processes import die_with_parent
from support.outcomes import recorded
from support.plans import NAMESPACE, Installer
from support.twenty_step_plan import APPLIED, STEPS, statuses, write_twenty_step_package

GROUP = 10
"""How many plans run at the same time; each group begins without a fault."""

WORKERS = 2
CALM = (0.2, 2.0)
"""Seconds between two faults."""

DOWN = (0.0, 3.0)
STOPPED = (1.0, 15.0)
"""Seconds until a killed process is started again, and until a stopped one is continued."""

PATIENCE = 900.0
"""Maximum seconds for a group of plans."""

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "verbs": ["create", "patch"],
            "resources": [
                {"group": "", "resources": ["configmaps"]},
                {"group": "apps", "resources": ["deployments"]},
            ],
        },
        {"level": "None"},
    ],
}


class Part:
    """A process that can be stopped, and killed and started again with the same command line."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.command = command
        self._environment = environment
        self._process: psutil.Process | None = None

    @classmethod
    def of(cls, name: str, process: psutil.Process) -> Self:
        """Return the part of a process that runs."""
        part = cls(name, process.cmdline(), process.environ())
        part._process = process
        return part

    def start(self) -> None:
        """Start the process unless it runs."""
        if not self.runs:
            self._process = psutil.Popen(
                self.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
            )

    @property
    def runs(self) -> bool:
        with suppress(psutil.NoSuchProcess):
            return self._process is not None and self._process.status() != psutil.STATUS_ZOMBIE
        return False

    def kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def stop(self) -> None:
        with suppress(psutil.NoSuchProcess):
            if self._process is not None:
                self._process.suspend()

    def resume(self) -> None:
        with suppress(psutil.NoSuchProcess):
            if self._process is not None:
                self._process.resume()


@dataclass
class Faults:
    """Causes faults of parts, one at a time, and counts them."""

    parts: list[Part]
    random: Random
    counts: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def happening(self) -> AsyncIterator[None]:
        """Cause faults while the body runs."""
        causing = asyncio.create_task(self._cause())
        try:
            yield
        finally:
            causing.cancel()
            with suppress(asyncio.CancelledError):
                await causing

    async def _cause(self) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(*CALM))
            part = self.random.choice(self.parts)
            await self.random.choice((self._kill, self._stop))(part)
            for ended in self.parts:
                if not ended.runs:
                    # As a Deployment does with a container whose process ends.
                    self.counts[f"{ended.name} ended by itself"] += 1
                    ended.start()

    async def _kill(self, part: Part) -> None:
        self.counts[f"SIGKILL {part.name}"] += 1
        part.kill()
        try:
            await asyncio.sleep(self.random.uniform(*DOWN))
        finally:
            part.start()

    async def _stop(self, part: Part) -> None:
        self.counts[f"SIGSTOP {part.name}"] += 1
        part.stop()
        try:
            await asyncio.sleep(self.random.uniform(*STOPPED))
        finally:
            part.resume()


@dataclass(frozen=True)
class Stack:
    """What the plans run on."""

    installer: Installer
    audit_log: Path
    parts: list[Part]

    @property
    def cluster(self) -> Cluster:
        return self.installer.cluster


@asynccontextmanager
async def running_stack() -> AsyncIterator[Stack]:
    """Start Temporal, a control plane that writes an audit log, and the workers."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        temporal = await stack.enter_async_context(
            temporal_server(free_port(0), free_port(0), directory / "temporal.db")
        )
        started = await stack.enter_async_context(control_plane(directory))
        os.environ |= {"TEMPORAL_ADDRESS": temporal.address, "KUBECONFIG": str(started.kubeconfig)}
        parts = [Part.of(Path(child.exe()).name, child) for child in psutil.Process().children()]
        parts += [Part("worker", [sys.executable, "-m", "kudo.worker"], dict(os.environ)) for _ in range(WORKERS)]
        for part in parts:
            stack.callback(part.kill)
        cluster = await stack.enter_async_context(await Cluster.connect())
        audit_log = await _with_audit_log(next(part for part in parts if part.name == "kube-apiserver"), directory)
        await until(cluster.is_ready)
        await install_crds(cluster)
        for part in parts:
            part.start()
        yield Stack(Installer(cluster, Plans(await connect()), directory), audit_log, parts)


async def _with_audit_log(apiserver: Part, directory: Path) -> Path:
    """Start kube-apiserver again with an audit log; return the path of that."""
    policy, log = directory / "audit-policy.yaml", directory / "audit.log"
    policy.write_text(yaml.dump(AUDIT_POLICY))
    apiserver.kill()
    apiserver.command += [f"--audit-policy-file={policy}", f"--audit-log-path={log}"]
    apiserver.start()
    return log


async def until(is_reached: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds; an error of Temporal or of the Kubernetes API counts as no."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(KudoError, RPCError):
                if await is_reached():
                    return
            await asyncio.sleep(0.5)


async def run_group(stack: Stack, faults: Faults, names: list[str]) -> dict[str, str]:
    """Run the plans of a group to their end under faults; return the problem of each plan that has one."""
    package = write_twenty_step_package(stack.installer.directory)
    for name in names:
        await stack.installer.install(package, name)
    async with faults.happening():
        outcomes = await asyncio.gather(*(_outcome(stack.installer, name) for name in names))
    for part in stack.parts:
        part.start()
    await until(stack.cluster.is_ready)
    problems = {
        name: await _problem(stack.installer, name, outcome) for name, outcome in zip(names, outcomes, strict=True)
    }
    return {name: problem for name, problem in problems.items() if problem}


async def _outcome(installer: Installer, name: str) -> Outcome | None:
    """Start the plan of an instance, and return its outcome; None if it does not end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            run = None
            while True:
                with suppress(KudoError, RPCError):
                    run = run or await _run(installer, name)
                    return await run.outcome()
                await asyncio.sleep(1)
    return None


async def _run(installer: Installer, name: str) -> Run:
    try:
        return await installer.start(name)
    except PlanAlreadyRunning:
        # An earlier attempt has started it, and lost the answer.
        return await installer.plans.latest(NAMESPACE, name)


async def _problem(installer: Installer, name: str, outcome: Outcome | None) -> str:
    if outcome is None:
        return f"It did not end within {PATIENCE:g} s."
    in_instance = await recorded(installer, instance=name)
    if statuses(outcome.status) != {ExecutionStatus.COMPLETE}:
        return f"It is {outcome.status.status} in Temporal: {outcome.message}"
    if statuses(in_instance) != {ExecutionStatus.COMPLETE}:
        return f"It is COMPLETE in Temporal and {in_instance.status} in the Instance."
    return ""


def created(audit_log: Path) -> Counter[str]:
    """Return how often each object was created."""
    events = map(json.loads, audit_log.read_text().splitlines())
    return Counter(event["objectRef"]["name"] for event in events if event.get("responseStatus", {}).get("code") == 201)


def print_result(plans: list[str], seconds: float, faults: Faults, problems: dict[str, str], log: Path) -> bool:
    """Print what happened; return whether all is right."""
    expected = {f"{name}-{step}" for name in plans for step in APPLIED}
    counts = created(log)
    twice = sorted(name for name in expected if counts[name] > 1)
    missing = sorted(name for name in expected if not counts[name])
    print(f"{len(plans)} plans of {STEPS} steps in {seconds:.0f} s")
    print(f"{sum(faults.counts.values())} faults: " + ", ".join(f"{n} {c}" for n, c in sorted(faults.counts.items())))
    print(f"{len(problems)} wrong statuses")
    for name, problem in problems.items():
        print(f"  {name}: {problem}")
    print(f"{len(expected)} objects, {len(twice)} made twice, {len(missing)} missing")
    for name in (*twice, *missing):
        print(f"  {name}: created {counts[name]} times")
    return not (problems or twice or missing)


async def main() -> bool:
    parser = argparse.ArgumentParser(prog="make faults", description="Run plans under random faults.")
    parser.add_argument("--plans", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"Seed {arguments.seed}")
    # These log that processes end, which they do all the time.
    for logger in ("kudo.devstack.control_plane", "asyncio"):
        logging.getLogger(logger).disabled = True
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    names = [f"plan-{number}" for number in range(arguments.plans)]
    problems: dict[str, str] = {}
    async with running_stack() as stack:
        faults = Faults(stack.parts, Random(arguments.seed))
        begun = time.perf_counter()
        for first in range(0, len(names), GROUP):
            problems |= await run_group(stack, faults, names[first : first + GROUP])
            print(f"{min(first + GROUP, len(names))} plans ended, {sum(faults.counts.values())} faults", flush=True)
        return print_result(names, time.perf_counter() - begun, faults, problems, stack.audit_log)


if __name__ == "__main__":
    sys.exit(not asyncio.run(main()))
