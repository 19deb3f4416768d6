"""Record the histories of all kinds of runs, for the replay test.

    make record

Run it after a change of the workflows, or for a new kind of run. Each recording is written to a new folder with the
next number, and existing recordings stay: plans that started before a change of the workflows continue after it, so the
old histories must be replayed as long as such plans may run.
"""

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from support.files import Files
from support.pipes import certificate_package
from support.plans import (
    CONFIG_MAP,
    HANGING_DEPLOYMENT,
    NAMESPACE,
    Content,
    Installer,
    apply,
    dummy,
    phase,
    plan,
    step,
    toggle,
    write_package,
)
from support.rollouts import roll_out
from support.waiting import until
from temporalio.client import Client, WorkflowHistory

from kudo.client import Plans, Run
from kudo.devstack.ports import Ports, free_port
from kudo.devstack.stack import stack
from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus

ALL = Path(__file__).with_name("histories")
HISTORIES = ALL / str(1 + max((int(folder.name) for folder in ALL.glob("*")), default=0))

WAIT_LIMIT = 0.5
"""Seconds that tasks wait in their own activities."""

Scenario = Callable[[Installer], Awaitable[Run]]


def package(installer: Installer, name: str, **deploy: object) -> Path:
    return write_package(
        installer.directory,
        name=name,
        tasks=[
            apply("config", "config.yaml"),
            toggle("toggled", "ON", "config.yaml"),
            dummy("done", done=True),
            dummy("never"),
            dummy("fails", wantErr=True),
            dummy("fatal", wantErr=True, fatal=True),
            {**dummy("exhausted", wantErr=True), "retry": {"maxAttempts": 2, "initialInterval": "50ms"}},
        ],
        plans={"deploy": deploy},
        params=[{"name": "ON", "default": "false"}],
        templates={"config.yaml": CONFIG_MAP},
    )


async def until_some_step(run: Run, status: ExecutionStatus) -> None:
    async def is_reached() -> bool:
        return any(step.status is status for phase in (await run.status()).phases for step in phase.steps)

    await until(is_reached)


async def success(installer: Installer) -> Run:
    phases = [
        phase("serial", ("a", ["config"]), ("b", ["done", "toggled"]), ("empty", [])),
        phase("parallel", ("c", ["done"]), ("d", ["config"]), strategy="parallel"),
    ]
    return await installer.deploy(package(installer, "success", **plan(*phases)), "success")


async def parallel(installer: Installer) -> Run:
    phases = [phase(name, ("a", ["config"]), ("b", ["done"])) for name in ("one", "two", "three")]
    return await installer.deploy(package(installer, "parallel", **plan(*phases, strategy="parallel")), "parallel")


async def fatal(installer: Installer) -> Run:
    phases = [phase("one", ("a", ["never"]), ("b", ["fatal"]), strategy="parallel"), phase("two", ("c", ["never"]))]
    return await installer.deploy(package(installer, "fatal", **plan(*phases, strategy="parallel")), "fatal")


async def cancelled(installer: Installer) -> Run:
    phases = [phase("one", ("a", ["done"]), ("b", ["never", "fails"]), ("c", ["done"])), phase("two", ("d", ["done"]))]
    run = await installer.deploy(package(installer, "cancelled", **plan(*phases)), "cancelled")
    await until_some_step(run, ExecutionStatus.ERROR)
    await installer.plans.cancel(NAMESPACE, "cancelled", "it takes too long")
    return run


async def resumed(installer: Installer) -> Run:
    phases = [phase("one", ("a", ["config"])), phase("two", ("b", ["done"]), ("c", ["fatal"]))]
    await (await installer.deploy(package(installer, "resumed", **plan(*phases)), "resumed")).outcome()
    return await installer.start("resumed", resume=True)


async def invalid(installer: Installer) -> Run:
    await installer.install(package(installer, "invalid", **plan(phase("one", ("a", ["done"])))), "invalid")
    return await installer.start("invalid", "no-such-plan")


async def exhausted(installer: Installer) -> Run:
    phases = [phase("one", ("a", ["exhausted"]), ("b", ["done"]))]
    return await installer.deploy(package(installer, "exhausted", **plan(*phases)), "exhausted")


async def timed_out(installer: Installer) -> Run:
    phases = [phase("one", ("a", ["done"]), step("b", "never", timeout="1s"))]
    return await installer.deploy(package(installer, "timed-out", **plan(*phases, timeout="1h")), "timed-out")


async def paused(installer: Installer) -> Run:
    steps = [(f"step-{number}", ["done", "config"]) for number in range(30)]
    phases = [phase(name, *steps) for name in ("one", "two")]
    run = await installer.deploy(package(installer, "paused", **plan(*phases, strategy="parallel")), "paused")
    await until_some_step(run, ExecutionStatus.COMPLETE)
    await installer.plans.pause(NAMESPACE, "paused", "lunch")
    await asyncio.sleep(1)
    await installer.plans.unpause(NAMESPACE, "paused", "")
    return run


async def approved(installer: Installer) -> Run:
    phases = [phase("one", ("a", ["done"]), step("b", "done", approval=True), step("c", approval=True, timeout="1h"))]
    run = await installer.deploy(package(installer, "approved", **plan(*phases)), "approved")
    for place, verdict in (("one.b", True), ("one.c", False)):
        await until_waiting(run, place)
        await installer.plans.decide(NAMESPACE, "approved", Approval(step=place, by="ann"), approved=verdict)
    return run


async def until_waiting(run: Run, place: str) -> None:
    async def is_waiting() -> bool:
        return any(
            f"{phase.name}.{step.name}" == place and step.status is ExecutionStatus.WAITING_APPROVAL
            for phase in (await run.status()).phases
            for step in phase.steps
        )

    await until(is_waiting)


async def conditional(installer: Installer) -> Run:
    skipped = phase("two", ("b", ["fatal"]), when="Params.ON | bool")
    phases = [phase("one", ("a", ["done"]), step("b", "fatal", when="Params.ON == 'true'")), skipped]
    return await installer.deploy(package(installer, "conditional", **plan(*phases)), "conditional")


def with_child(installer: Installer, name: str, *tasks: Content) -> Path:
    """Write a package whose child is a package with these tasks."""
    spec = {"package": f"./of-{name}", "instanceName": f"{name}-below"}
    root = write_package(
        installer.directory,
        name=name,
        tasks=[{"name": "below", "kind": "KudoOperator", "spec": spec}],
        plans={"deploy": plan(phase("one", ("a", ["below"])))},
    )
    steps = [(str(task["name"]), [str(task["name"])]) for task in tasks]
    write_package(root, name=f"of-{name}", tasks=list(tasks), plans={"deploy": plan(phase("main", *steps))})
    return root


async def children(installer: Installer) -> Run:
    package = with_child(installer, "children", dummy("done", done=True))
    return await installer.deploy(package, "children")


async def failing_child(installer: Installer) -> Run:
    package = with_child(installer, "failing-child", dummy("fatal", wantErr=True, fatal=True))
    return await installer.deploy(package, "failing-child")


async def stopped_child(installer: Installer) -> Run:
    """Run a plan whose child first runs another plan, is then paused with its parent, and cancelled with it."""
    name = "stopped-child"
    package = with_child(installer, name, dummy("never"))
    first = await installer.deploy(package, name)
    await until_child(first)
    await installer.plans.cancel(NAMESPACE, name, "")
    await first.outcome()
    by_hand = await installer.start(f"{name}-below")
    run = await installer.start(name)
    await until_some_step(run, ExecutionStatus.ERROR)
    await installer.plans.cancel(NAMESPACE, f"{name}-below", "")
    await by_hand.outcome()
    await until_child(run)
    await installer.plans.pause(NAMESPACE, name, "lunch")
    await asyncio.sleep(1)
    await installer.plans.unpause(NAMESPACE, name, "")
    await installer.plans.cancel(NAMESPACE, name, "")
    return run


async def until_child(run: Run) -> None:
    async def child_runs() -> bool:
        steps = [step for phase in (await run.current()).phases for step in phase.steps]
        return any(child.status and child.status.status.is_running for step in steps for child in step.children)

    await until(child_runs)


async def piped(installer: Installer) -> Run:
    installer = replace(installer, directory=installer.directory / "piped")
    return await installer.deploy(certificate_package(installer, Files(None)), "piped")


async def long_waits(installer: Installer) -> Run:
    """One wait ends, and the other one is cancelled."""
    phases = [phase("one", ("a", ["slow"])), phase("two", ("b", ["slow-too"]))]
    written = write_package(
        installer.directory,
        name="waits",
        tasks=[apply("slow", "slow.yaml"), apply("slow-too", "slow-too.yaml")],
        plans={"deploy": plan(*phases)},
        templates={
            "slow.yaml": HANGING_DEPLOYMENT,
            "slow-too.yaml": HANGING_DEPLOYMENT.replace("{{ Name }}", "{{ Name }}-too"),
        },
    )
    run = await installer.deploy(written, "waits")
    # Longer than the task waits in its own activity.
    await asyncio.sleep(3 * WAIT_LIMIT)
    await roll_out(installer.cluster, "waits")
    await until_some_step(run, ExecutionStatus.COMPLETE)
    await until(lambda: installer.get("apps/v1", "Deployment", "waits-too"))
    await asyncio.sleep(3 * WAIT_LIMIT)
    await installer.plans.cancel(NAMESPACE, "waits", "")
    return run


SCENARIOS: list[Scenario] = [
    success,
    parallel,
    fatal,
    cancelled,
    resumed,
    invalid,
    exhausted,
    timed_out,
    paused,
    approved,
    conditional,
    children,
    failing_child,
    stopped_child,
    piped,
    long_waits,
]


@asynccontextmanager
async def recording_stack() -> AsyncIterator[tuple[Client, Installer]]:
    ports = Ports(free_port(0), free_port(0), free_port(0))
    with tempfile.TemporaryDirectory() as directory:
        os.environ["KUDO_WAIT_LIMIT"] = f"{WAIT_LIMIT}s"
        async with stack(ports, None, "sandbox", 0.1) as running:
            yield running.client, Installer(running.cluster, Plans(running.client), Path(directory))


async def record(client: Client, installer: Installer, scenario: Scenario) -> None:
    run = await scenario(installer)
    await run.outcome()
    workflows = {run.workflow_id: run.run_id}
    # The server lists the latest run of a workflow first.
    async for item in client.list_workflows(f"WorkflowId STARTS_WITH '{run.workflow_id}'"):
        workflows.setdefault(item.id, item.run_id)
    for workflow_id, run_id in workflows.items():
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        write(workflow_id, history)


def write(workflow_id: str, history: WorkflowHistory) -> None:
    name = workflow_id.partition("/")[2].replace("/", ".")
    # Host names and local paths do not belong in a repository.
    text = history.to_json().replace(socket.gethostname(), "worker")
    events = json.loads(text, object_hook=without_stack_trace)
    HISTORIES.mkdir(parents=True, exist_ok=True)
    file = HISTORIES / f"{name}.json"
    file.write_text(json.dumps({"workflowId": workflow_id, "history": events}, indent=1) + "\n")
    print(f"{file.name}: {len(events['events'])} events")


def without_stack_trace(value: dict[str, object]) -> dict[str, object]:
    return {key: item for key, item in value.items() if key != "stackTrace"}


async def main() -> None:
    async with recording_stack() as (client, installer):
        for scenario in SCENARIOS:
            await record(client, installer, scenario)


if __name__ == "__main__":
    asyncio.run(main())
