"""The status of plans, as a run, the Instance, Temporal and events have it."""

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

    async def reached() -> PlanStatus | None:
        current = await run.status()
        return current if any(step.status is status for phase in current.phases for step in phase.steps) else None

    return await until(reached)


async def workflow_statuses(client: Client) -> dict[str, WorkflowExecutionStatus | None]:
    """Return the final status of every workflow of the test's instance; the server lists it with a delay."""

    async def final_statuses() -> dict[str, WorkflowExecutionStatus | None] | None:
        listed = [item async for item in client.list_workflows()]
        newest = sorted(listed, key=lambda item: item.start_time)
        statuses = {item.id: item.status for item in newest if item.start_time >= _run_start(newest)}
        return None if WorkflowExecutionStatus.RUNNING in statuses.values() else statuses

    return await until(final_statuses)


def _run_start(listed: list[WorkflowExecution]) -> datetime:
    return max(item.start_time for item in listed if item.id == "default/test")


async def events(installer: Installer) -> set[tuple[str, str]]:
    found = await installer.cluster.list("v1", "Event", NAMESPACE)
    return {
        (event.text("type"), event.text("reason"))
        for event in found
        if event.text("involvedObject", "kind") == "Instance"
    }
