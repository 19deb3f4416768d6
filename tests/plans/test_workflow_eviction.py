"""Plans on a worker without a workflow cache, which replays each workflow from its history at every event."""

from collections.abc import AsyncIterator

import pytest
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client

from kudo.kubernetes import Cluster
from kudo.model.status import ExecutionStatus
from kudo.worker import running


@pytest.fixture(autouse=True)
async def worker_without_cache(client: Client, cluster: Cluster) -> AsyncIterator[None]:
    async with running(client, cluster, max_cached_workflows=0):
        yield


async def test_plan_completes_without_cache(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml"), dummy("done", done=True)],
        plans={
            "deploy": plan(
                phase("one", ("a", ["config"]), ("b", ["done"]), strategy="parallel"),
                phase("two", ("c", ["done", "config"]), ("d", ["done"])),
                strategy="parallel",
            )
        },
        templates={"config.yaml": CONFIG_MAP},
    )
    assert (await (await installer.deploy(package)).outcome()).complete


async def test_fatal_error_cancels_parallel_step_without_cache(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("fatal", wantErr=True, fatal=True), dummy("never")],
        plans={"deploy": plan(phase("one", ("a", ["never"]), ("b", ["fatal"]), strategy="parallel"))},
    )
    outcome = await (await installer.deploy(package)).outcome()
    assert [step.status for step in outcome.status.phases[0].steps] == ["CANCELLED", "FATAL_ERROR"]


async def test_plan_is_cancelled_without_cache(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True), dummy("never")],
        plans={"deploy": plan(phase("one", ("a", ["done"]), ("b", ["never"])))},
    )
    run = await installer.deploy(package)

    async def second_step_runs() -> bool:
        steps = [step.status for phase in (await run.status()).phases for step in phase.steps]
        return steps == [ExecutionStatus.COMPLETE, ExecutionStatus.IN_PROGRESS]

    await until(second_step_runs)
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    outcome = await run.outcome()
    assert outcome.status.status is ExecutionStatus.CANCELLED
    assert [step.status for step in outcome.status.phases[0].steps] == ["COMPLETE", "CANCELLED"]
