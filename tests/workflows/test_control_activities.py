"""Control activities that fail where they cost least, and are repeated on the control queue."""

import model
import scripted
from scripted import REPORTED, start
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from kudo.client import Outcome, Plans
from kudo.model.execution import ActivePlan, PlanRequest
from kudo.model.report import StatusReport
from kudo.model.status import ExecutionStatus
from kudo.plugin import workflow_runner
from kudo.workflows import WORKFLOWS
from kudo.workflows.options import control_queue

CALLS: list[str] = []
"""Where the control activities of the plan were executed."""


def note() -> str:
    """Return where the activity is executed, and append it to CALLS."""
    info = activity.info()
    place = "local" if info.is_local else info.task_queue
    CALLS.append(f"{info.activity_type}: {place}")
    return place


@activity.defn(name="load_active_plan")
async def load(request: PlanRequest) -> ActivePlan:
    if note() == "kudo":
        raise ApplicationError("The API does not answer.", type="ApiOutage")
    return await scripted.load(request)


@activity.defn(name="load_active_plan")
async def refuse(request: PlanRequest) -> ActivePlan:
    note()
    raise ApplicationError("There is no such plan.", type="InvalidPlan", non_retryable=True)


@activity.defn(name="report_status")
async def report(report: StatusReport) -> bool:
    if note() == "local":
        raise ApplicationError("The API does not answer.", type="ApiOutage")
    if report.status is not None:
        REPORTED[report.request.instance] = report.status
    return True


async def outcome_with(client: Client, *activities: object) -> tuple[Outcome, str]:
    """Run a plan of one quick step; return its outcome, and the name of its instance."""
    CALLS.clear()
    control = Worker(client, task_queue=control_queue("kudo"), activities=[*activities])  # type: ignore[list-item]
    tasks = Worker(
        client,
        task_queue="kudo",
        workflows=WORKFLOWS,
        activities=[scripted.task, *activities],  # type: ignore[list-item]
        workflow_runner=workflow_runner(),
    )
    async with control, tasks:
        run = await start(Plans(client), model.Plan("serial", (model.Phase("serial", (model.Step(("ok",)),)),)))
        return await run.outcome(), run.request.instance


async def test_quick_plan_needs_no_control_queue(client: Client) -> None:
    async def counted(report: StatusReport) -> bool:
        note()
        return await scripted.report(report)

    outcome, instance = await outcome_with(client, scripted.load, activity.defn(name="report_status")(counted))
    assert outcome.complete
    assert REPORTED[instance] == outcome.status
    assert CALLS == ["report_status: local"] * 2


async def test_transient_failures_are_repeated_on_the_control_queue(client: Client) -> None:
    outcome, instance = await outcome_with(client, load, report)
    assert outcome.complete
    assert REPORTED[instance] == outcome.status
    assert CALLS[:2] == ["load_active_plan: kudo", "load_active_plan: kudo-control"]
    assert CALLS[-1] == "report_status: kudo-control"


async def test_fatal_failure_is_not_repeated(client: Client) -> None:
    outcome, _ = await outcome_with(client, refuse, report)
    assert (outcome.status.status, outcome.failure) == (ExecutionStatus.FATAL_ERROR, "InvalidPlan")
    assert CALLS == ["load_active_plan: kudo", "report_status: kudo-control"]
