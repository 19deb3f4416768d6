"""Faults while many tasks wait for health: their worker is killed, their watches end, the API is unreachable."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.object_recorder import ObjectRecorder
from support.outcomes import recorded
from support.plans import Installer, apply, dummy, phase, plan, write_package
from support.proxy import Proxy
from support.rollouts import roll_out
from support.twenty_step_plan import deployment_template
from support.waiting import until
from support.workers import WorkerProcess
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client

from kudo.client import Run
from kudo.kubernetes import Cluster
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.sandbox import Sandbox

STEPS = [f"s{number}" for number in range(8)]
NAMES = {f"test-{step}" for step in STEPS}

CUTS = 5
"""How often watches are ended; they restart more slowly after each time in a row."""

PATIENCE = 90
"""Maximum seconds until a plan whose objects are healthy has ended, recovery included."""


def waiting_package(directory: Path) -> Path:
    """Write a package whose plan waits in the middle for many Deployments, until `roll_out` completes them."""
    return write_package(
        directory,
        tasks=[dummy("done", done=True), *(apply(step, f"{step}.yaml") for step in STEPS)],
        plans={
            "deploy": plan(
                phase("before", ("a", ["done"])),
                phase("middle", *((step, [step]) for step in STEPS), strategy="parallel"),
                phase("after", ("z", ["done"])),
            )
        },
        templates={f"{step}.yaml": deployment_template(step, "hang") for step in STEPS},
    )


@pytest.fixture
async def recorder(cluster: Cluster, sandbox: Sandbox) -> AsyncIterator[ObjectRecorder]:
    async with ObjectRecorder.of(sandbox.url) as started:
        yield started


async def pending_activities(client: Client) -> list[PendingActivityInfo]:
    described = await client.get_workflow_handle("default/test/middle").describe()
    return list(described.raw_description.pending_activities)


async def until_all_wait(client: Client, recorder: ObjectRecorder) -> set[str]:
    """Wait until a worker runs each task, and return the identities of the workers."""
    for name in NAMES:
        await recorder.appeared(name)

    async def identities() -> set[str] | None:
        found = [item.last_worker_identity for item in await pending_activities(client)]
        return set(found) if all(found) else None

    return await until(identities)


async def require_complete(run: Run, installer: Installer, recorder: ObjectRecorder) -> None:
    """Check that the plan completes, also in its Instance, and that no object was changed, recreated or deleted."""
    outcome = await asyncio.wait_for(run.outcome(), PATIENCE)
    assert outcome.complete, outcome
    assert await recorded(installer) == outcome.status
    assert recorder.names("test-") == NAMES
    assert recorder.rewritten("test-") == recorder.deleted == []


async def test_plan_completes_after_one_of_two_workers_is_killed(
    installer: Installer, client: Client, recorder: ObjectRecorder
) -> None:
    async with WorkerProcess() as first, WorkerProcess() as second:
        run = await installer.deploy(waiting_package(installer.directory))
        identities = await until_all_wait(client, recorder)
        # One worker may run all the tasks, and the test has to kill a busy one.
        busy = [worker for worker in (first, second) if any(name.startswith(worker.identity) for name in identities)]
        await busy[0].kill()
        for name in NAMES:
            await roll_out(installer.cluster, name)
        await require_complete(run, installer, recorder)


def watch_count(sandbox: Sandbox) -> int:
    """Return how often a worker has started both its watches: that of Deployments and that of their pods."""
    started = [path for method, path, query in sandbox.requests if method == "GET" and "watch" in query]
    return min(sum(path.endswith(plural) for path in started) for plural in ("/deployments", "/pods"))


async def disconnect_and_wait(sandbox: Sandbox, disconnect: Callable[[], None]) -> None:
    """End the watches, and wait until they are started again; otherwise the next call would end none."""
    before = watch_count(sandbox)
    disconnect()

    async def is_watching_again() -> bool:
        return watch_count(sandbox) > before

    await until(is_watching_again)


async def test_plan_completes_although_watches_end_repeatedly(
    installer: Installer, client: Client, sandbox: Sandbox, cluster: Cluster
) -> None:
    async with WorkerProcess():
        async with ObjectRecorder.of(sandbox.url) as recorder:
            run = await installer.deploy(waiting_package(installer.directory))
            await until_all_wait(client, recorder)
        for _ in range(CUTS):
            # The events in between are discarded, so that the client has to list again.
            sandbox.faults.compact()
            await disconnect_and_wait(sandbox, sandbox.faults.drop_watches)
        for name in sorted(NAMES):
            await roll_out(cluster, name)
            sandbox.faults.drop_watches()
        assert (await asyncio.wait_for(run.outcome(), PATIENCE)).complete


async def test_plan_completes_although_connections_are_reset_repeatedly(
    installer: Installer, client: Client, sandbox: Sandbox, kubeconfig: Path, recorder: ObjectRecorder
) -> None:
    proxy = Proxy(sandbox)
    async with proxy.running() as address:
        # The test itself is already connected without the proxy.
        kubeconfig.write_text(kubeconfig.read_text().replace(sandbox.url, address))
        async with WorkerProcess():
            run = await installer.deploy(waiting_package(installer.directory))
            await until_all_wait(client, recorder)
            for _ in range(CUTS):
                await disconnect_and_wait(sandbox, proxy.reset_connections)
            for name in sorted(NAMES):
                await roll_out(installer.cluster, name)
                proxy.reset_connections()
            await require_complete(run, installer, recorder)


async def test_plan_completes_after_api_was_unreachable_for_several_attempts(
    installer: Installer, client: Client, sandbox: Sandbox
) -> None:
    """Three failed attempts take seven seconds, in which the status cannot be written either."""

    async def failing_status() -> PlanStatus | None:
        status = await run.status()
        attempts = [item.attempt for item in await pending_activities(client)]
        failing = all(step.status is ExecutionStatus.ERROR for step in status.phases[1].steps)
        return status if failing and min(attempts) > 3 else None

    async with WorkerProcess():
        async with ObjectRecorder.of(sandbox.url) as recorder:
            run = await installer.deploy(waiting_package(installer.directory))
            await until_all_wait(client, recorder)
        sandbox.faults.away = True
        status = await until(failing_status)
        assert [part.status for part in status.phases] == ["COMPLETE", "IN_PROGRESS", "PENDING"]
        sandbox.faults.away = False
        for name in NAMES:
            await roll_out(installer.cluster, name)
        outcome = await asyncio.wait_for(run.outcome(), PATIENCE)
    assert outcome.complete
    assert not outcome.status.failed_steps()
    assert await recorded(installer) == outcome.status
