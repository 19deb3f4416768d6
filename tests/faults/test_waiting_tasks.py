"""What goes wrong while many tasks wait for health: their worker dies, their watches are cut, the API is away."""

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
"""How often watches are cut; each time in a row they are taken up more slowly."""

PATIENCE = 90
"""Seconds until a plan whose objects are healthy is done, whatever it has to recover from."""


def waiting_package(directory: Path) -> Path:
    """A plan that waits for many Deployments at once in its middle, until they are told to roll out."""
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
    async with ObjectRecorder.of(sandbox.url) as seen:
        yield seen


async def pending(client: Client) -> list[PendingActivityInfo]:
    described = await client.get_workflow_handle("default/test/middle").describe()
    return list(described.raw_description.pending_activities)


async def until_all_wait(client: Client, recorder: ObjectRecorder) -> set[str]:
    """Wait until all tasks wait, and return who runs them."""
    for name in NAMES:
        await recorder.appeared(name)

    async def look() -> set[str] | None:
        found = await pending(client)
        return (
            {item.last_worker_identity for item in found} if all(item.last_worker_identity for item in found) else None
        )

    return await until(look)


async def require_complete(run: Run, installer: Installer, recorder: ObjectRecorder) -> None:
    """The plan is complete, its Instance says the same, and nothing was made or changed twice."""
    outcome = await asyncio.wait_for(run.outcome(), PATIENCE)
    assert outcome.complete, outcome
    assert await recorded(installer) == outcome.status
    assert recorder.names("test-") == NAMES
    assert recorder.rewritten("test-") == recorder.deleted == []


async def test_one_of_two_workers_is_killed(installer: Installer, client: Client, recorder: ObjectRecorder) -> None:
    async with WorkerProcess() as one, WorkerProcess() as other:
        run = await installer.deploy(waiting_package(installer.directory))
        identities = await until_all_wait(client, recorder)
        # One of them may have taken all the tasks, and to kill the idle one would show nothing.
        busy = [worker for worker in (one, other) if any(name.startswith(worker.identity) for name in identities)]
        await busy[0].kill()
        for name in NAMES:
            await roll_out(installer.cluster, name)
        await require_complete(run, installer, recorder)


def watches_begun(sandbox: Sandbox) -> int:
    """How often both watches were begun that a worker needs: that of Deployments, and that of their pods."""
    begun = [path for method, path, query in sandbox.requests if method == "GET" and "watch" in query]
    return min(sum(path.endswith(plural) for path in begun) for plural in ("/deployments", "/pods"))


async def break_and_wait(sandbox: Sandbox, break_off: Callable[[], None]) -> None:
    """Break off what is watched, and wait until it is watched again, or the next time would break off nothing."""
    before = watches_begun(sandbox)
    break_off()

    async def look() -> bool:
        return watches_begun(sandbox) > before

    await until(look)


async def test_watches_that_are_cut_again_and_again(
    installer: Installer, client: Client, sandbox: Sandbox, cluster: Cluster
) -> None:
    async with WorkerProcess():
        async with ObjectRecorder.of(sandbox.url) as recorder:
            run = await installer.deploy(waiting_package(installer.directory))
            await until_all_wait(client, recorder)
        for _ in range(CUTS):
            # What happened meanwhile is lost to a client that asks for it.
            sandbox.faults.compact()
            await break_and_wait(sandbox, sandbox.faults.drop_watches)
        for name in sorted(NAMES):
            await roll_out(cluster, name)
            sandbox.faults.drop_watches()
        assert (await asyncio.wait_for(run.outcome(), PATIENCE)).complete


async def test_connections_that_are_reset_again_and_again(
    installer: Installer, client: Client, sandbox: Sandbox, kubeconfig: Path, recorder: ObjectRecorder
) -> None:
    proxy = Proxy(sandbox)
    async with proxy.running() as address:
        # The test itself is connected already, and without the proxy.
        kubeconfig.write_text(kubeconfig.read_text().replace(sandbox.url, address))
        async with WorkerProcess():
            run = await installer.deploy(waiting_package(installer.directory))
            await until_all_wait(client, recorder)
            for _ in range(CUTS):
                await break_and_wait(sandbox, proxy.reset_connections)
            for name in sorted(NAMES):
                await roll_out(installer.cluster, name)
                proxy.reset_connections()
            await require_complete(run, installer, recorder)


async def test_an_api_that_is_away_for_several_tries(installer: Installer, client: Client, sandbox: Sandbox) -> None:
    """Three tries that fail are seven seconds, in which the status cannot be written either."""

    async def tried() -> PlanStatus | None:
        seen = await run.status()
        tries = [item.attempt for item in await pending(client)]
        failing = all(step.status is ExecutionStatus.ERROR for step in seen.phases[1].steps)
        return seen if failing and min(tries) > 3 else None

    async with WorkerProcess():
        async with ObjectRecorder.of(sandbox.url) as recorder:
            run = await installer.deploy(waiting_package(installer.directory))
            await until_all_wait(client, recorder)
        sandbox.faults.away = True
        away = await until(tried)
        assert [part.status for part in away.phases] == ["COMPLETE", "IN_PROGRESS", "PENDING"]
        sandbox.faults.away = False
        for name in NAMES:
            await roll_out(installer.cluster, name)
        outcome = await asyncio.wait_for(run.outcome(), PATIENCE)
    assert outcome.complete
    assert not outcome.status.failed_steps()
    assert await recorded(installer) == outcome.status
