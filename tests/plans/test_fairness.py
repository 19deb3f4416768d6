"""Instances share a worker: none holds back the plans of another."""

from support.outcomes import until_step
from support.plans import Installer, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client

from kudo.kubernetes import Cluster
from kudo.model.status import ExecutionStatus
from kudo.worker import read_settings, running


async def test_waiting_tasks_of_an_instance_keep_no_task_of_another_from_starting(
    installer: Installer, client: Client, cluster: Cluster
) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("never"), dummy("done", done=True)],
        plans={
            "deploy": plan(phase("main", ("a", ["never"]), ("b", ["never"]), ("c", ["never"]), strategy="parallel")),
            "quick": plan(phase("main", ("a", ["done"]), ("b", ["done"]))),
        },
    )
    settings = read_settings().model_copy(update={"working_tasks": 1})
    async with running(client, cluster, settings=settings):
        waiting = await installer.deploy(package, "large")
        await installer.install(package, "small")
        await until_step(waiting, ExecutionStatus.IN_PROGRESS)
        assert (await (await installer.start("small", "quick")).outcome()).complete
        await installer.plans.cancel("default", "large", "the test is over")


async def test_task_without_a_slot_says_so(installer: Installer, client: Client, cluster: Cluster) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("never")],
        plans={"deploy": plan(phase("main", ("a", ["never"])))},
    )
    settings = read_settings()
    async with running(client, cluster, settings=settings) as plugin:
        while plugin.task_slots._take():
            pass
        run = await installer.deploy(package)

        async def says_so() -> bool:
            (step,) = (await run.explained()).phases[0].steps if (await run.status()).phases else (None,)
            return step is not None and "task never: waits until a worker has a free slot for it" in step.message

        await until(says_so)
        await installer.plans.cancel("default", "test", "the test is over")
