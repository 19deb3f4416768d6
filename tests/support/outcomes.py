"""Looking at how a plan went."""

from datetime import datetime

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from kudo.client import Run
from kudo.instances.resources import read_instance
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tree import status_tree
from support.plans import NAMESPACE, Installer
from support.waiting import until


def tree(status: PlanStatus) -> list[str]:
    return status_tree("test", status).splitlines()


async def recorded(installer: Installer, plan: str = "deploy", instance: str = "test") -> PlanStatus:
    return (await read_instance(installer.cluster, NAMESPACE, instance)).status.plan_status[plan]


async def until_step(run: Run, status: ExecutionStatus) -> PlanStatus:
    """Wait until some step has a status."""

    async def look() -> PlanStatus | None:
        seen = await run.status()
        return seen if any(step.status is status for phase in seen.phases for step in phase.steps) else None

    return await until(look)


async def workflow_statuses(client: Client) -> dict[str, WorkflowExecutionStatus | None]:
    """How every workflow of the test's instance ended, which the server lists a moment later."""

    async def look() -> dict[str, WorkflowExecutionStatus | None] | None:
        listed = [item async for item in client.list_workflows()]
        newest = sorted(listed, key=lambda item: item.start_time)
        seen = {item.id: item.status for item in newest if item.start_time >= _run_start(newest)}
        return None if WorkflowExecutionStatus.RUNNING in seen.values() else seen

    return await until(look)


def _run_start(listed: list[WorkflowExecution]) -> datetime:
    return max(item.start_time for item in listed if item.id == "default/test")


async def events(installer: Installer) -> set[tuple[str, str]]:
    found = await installer.cluster.list("v1", "Event", NAMESPACE)
    return {
        (event.text("type"), event.text("reason"))
        for event in found
        if event.text("involvedObject", "kind") == "Instance"
    }
