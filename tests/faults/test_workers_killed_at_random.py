"""Workers that are killed at random times in a plan of twenty steps; each seed has its own plan and kills.

A lost worker delays a plan by the heartbeat timeout of ten seconds, so several seeds run side by side. They share a
Temporal server and a cluster but no worker: each lane has its own Temporal namespace, and its worker takes one seed
after the other.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from support.object_recorder import ObjectRecorder
from support.outcomes import recorded
from support.plans import NAMESPACE, Installer
from support.twenty_step_plan import APPLIED, kills, statuses, until_kill_is_due, write_twenty_step_package
from support.workers import WorkerProcess
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from kudo.client import Plans, Run
from kudo.devstack.ports import free_port
from kudo.devstack.temporal import TemporalServer, temporal_server
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox

SEEDS = range(20)

LANES = 6
"""How many seeds run side by side; the start of a worker takes seconds of CPU time."""

PATIENCE = 240
"""Maximum seconds for a plan of which up to two workers are killed, beside others."""


@pytest.fixture(scope="module")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    """A server for this module alone, because its namespaces cannot be deleted again."""
    database = tmp_path_factory.mktemp("namespaces") / "temporal.db"
    async with temporal_server(free_port(0), free_port(0), database) as server:
        yield server


async def namespace_client(client: Client, namespace: str) -> Client:
    """Create a namespace, and return a client for it."""
    request = RegisterNamespaceRequest(namespace=namespace)
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(request)
    settings = client.config()
    settings["namespace"] = namespace
    return Client(**settings)


async def require_complete(installer: Installer, run: Run, recorder: ObjectRecorder) -> None:
    """Check that the plan completes, also in its Instance, and that no object was changed or recreated."""
    instance = run.request.instance
    outcome = await run.outcome()
    assert outcome.complete, outcome
    assert statuses(outcome.status) == {ExecutionStatus.COMPLETE}
    assert await recorded(installer, instance=instance) == outcome.status
    prefix = f"{instance}-"
    assert recorder.names(prefix) == {prefix + step for step in APPLIED}
    assert recorder.rewritten(prefix) == []
    for name in recorder.names(prefix):
        item = await installer.cluster.get(recorder.last(name).ref)
        assert item is not None
        assert item.uid == (await recorder.appeared(name)).uid
        assert item.integer("metadata", "generation", default=1) == 1


async def run_seed(seed: int, installer: Installer, worker: WorkerProcess, recorder: ObjectRecorder) -> None:
    """Run the plan of a seed to its end, and kill its worker in the meantime."""
    name = f"seed-{seed}"
    planned = kills(seed, 1, 2)
    try:
        async with asyncio.timeout(PATIENCE):
            run = await installer.start(name)
            await until_kill_is_due(planned[0], run, recorder, PATIENCE)
            # Otherwise the test would kill an idle worker.
            assert await installer.plans.running(NAMESPACE, name)
            await worker.replace()
            for kill in planned[1:]:
                await until_kill_is_due(kill, run, recorder, PATIENCE)
                await worker.replace()
            await require_complete(installer, run, recorder)
    except BaseException as error:
        error.add_note(f"Seed {seed} with the kills {planned}.")
        raise


async def run_lane(
    namespace: str, seeds: Iterator[int], installer: Installer, client: Client, recorder: ObjectRecorder
) -> None:
    """Run the plans of the remaining seeds one after the other, with one worker."""
    plans = Plans(await namespace_client(client, namespace))
    async with WorkerProcess(TEMPORAL_NAMESPACE=namespace) as worker:
        for seed in seeds:
            await run_seed(seed, Installer(installer.cluster, plans, installer.directory), worker, recorder)


@pytest.mark.timeout(900)
async def test_plans_complete_although_workers_are_killed(
    installer: Installer, client: Client, sandbox: Sandbox
) -> None:
    package = write_twenty_step_package(installer.directory)
    for seed in SEEDS:
        await installer.install(package, f"seed-{seed}")
    seeds = iter(SEEDS)
    async with ObjectRecorder.of(sandbox.url) as recorder, asyncio.TaskGroup() as group:
        for lane in range(LANES):
            group.create_task(run_lane(f"lane-{lane}", seeds, installer, client, recorder))
    assert recorder.deleted == []
