"""Plans that are large in each dimension that Temporal limits."""

import asyncio

import pytest
from support.outcomes import until_step
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client

from kudo.client import Run
from kudo.model.limits import PENDING_BRANCHES
from kudo.model.status import ExecutionStatus

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.slow, pytest.mark.timeout(400)]

MAX_EVENTS = 51_200
MAX_BYTES = 50_000_000
"""Size of the history at which the server terminates a workflow."""

PATIENCE = 300.0


async def history(client: Client, workflow_id: str) -> tuple[int, int]:
    """Return the number of events and bytes of a workflow's history."""
    fetched = await client.get_workflow_handle(workflow_id).fetch_history()
    return len(fetched.events), sum(event.ByteSize() for event in fetched.events)


async def test_plan_with_thousand_parallel_steps_completes(installer: Installer, client: Client) -> None:
    count = 1000
    names = [(f"step-{number}", ["done"]) for number in range(count)]
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", *names, strategy="parallel"))},
        params=[{"name": f"PARAMETER_{number}", "default": "x" * 40} for number in range(100)],
    )
    outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), PATIENCE)
    assert outcome.complete
    assert {step.status for step in outcome.status.phases[0].steps} == {ExecutionStatus.COMPLETE}
    events, size = await history(client, "default/test/main")
    # For each task: scheduled, started, completed, a share of the workflow tasks, and the parameters once.
    assert events < count * 7 < MAX_EVENTS
    assert size < count * 8_000 < MAX_BYTES
    events, size = await history(client, "default/test")
    assert events < MAX_EVENTS / 10
    assert size < MAX_BYTES / 10


@pytest.mark.parametrize("strategy", ["serial", "parallel"])
async def test_plan_with_hundred_phases_completes(installer: Installer, client: Client, strategy: str) -> None:
    phases = [phase(f"phase-{number}", ("a", ["done"]), ("b", ["done"])) for number in range(100)]
    package = write_package(
        installer.directory, tasks=[dummy("done", done=True)], plans={"deploy": plan(*phases, strategy=strategy)}
    )
    outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), PATIENCE)
    assert outcome.complete
    events, size = await history(client, "default/test")
    assert events < 100 * 30
    assert size < 100 * 40_000


@pytest.mark.parametrize("strategy", ["serial", "parallel"])
async def test_plan_with_megabyte_of_templates_completes(installer: Installer, client: Client, strategy: str) -> None:
    """Four phases use all templates, so that the plan passes four megabytes to them."""
    names = [f"config-{number}.yaml" for number in range(10)]
    large = "  # " + "x" * 100 + "\n"
    templates = {name: CONFIG_MAP.replace("-config", f"-{name.removesuffix('.yaml')}") + large * 1000 for name in names}
    steps = [(f"step-{number}", [name]) for number, name in enumerate(names)]
    package = write_package(
        installer.directory,
        tasks=[apply(name, name) for name in names],
        plans={"deploy": plan(*(phase(f"phase-{n}", *steps, strategy=strategy) for n in range(4)), strategy=strategy)},
        templates=templates,
    )
    outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), PATIENCE)
    assert outcome.complete
    for number in range(10):
        assert await installer.get("v1", "ConfigMap", f"test-config-{number}") is not None
    _, size = await history(client, "default/test")
    assert 4_000_000 < size < MAX_BYTES / 2


async def test_slow_step_does_not_block_parallel_phase(installer: Installer) -> None:
    """A slow step occupies one place of the window and blocks no other step."""
    steps = [("slow", ["never"]), *((f"step-{number}", ["done"]) for number in range(PENDING_BRANCHES * 2))]
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True), dummy("never")],
        plans={"deploy": plan(phase("main", *steps, strategy="parallel"))},
    )
    run: Run = await installer.deploy(package)
    await until_step(run, ExecutionStatus.IN_PROGRESS)

    async def others_are_complete() -> bool:
        return all(step.status is ExecutionStatus.COMPLETE for step in (await run.status()).phases[0].steps[1:])

    await until(others_are_complete)
    await installer.plans.cancel(NAMESPACE, "test", "")
    assert (await run.outcome()).status.phases[0].steps[0].status is ExecutionStatus.CANCELLED
