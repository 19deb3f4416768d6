"""What Temporal's own command line offers does the same as ours, because the documentation says that it does."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.command import TEMPORAL, Result, execute
from support.outcomes import events, recorded, tree, until_step, workflow_statuses
from support.plans import NAMESPACE, Content, Installer, dummy, phase, plan, step, write_package
from support.waiting import until
from temporalio.client import Client, WorkflowExecutionStatus

from kudo.client import Run
from kudo.devstack.temporal import TemporalServer
from kudo.model.status import ExecutionStatus, PlanStatus

pytestmark = pytest.mark.usefixtures("worker")

ID = "default/test"
REQUEST = {"namespace": NAMESPACE, "instance": "test", "plan": "deploy"}
START = ("workflow", "start", "--task-queue", "kudo", "--type", "Plan", "--workflow-id", ID)
SCHEDULE = "nightly"

SHORT = plan(phase("main", ("a", ["done"]), ("b", ["done"])))
HANGING = plan(phase("first", ("a", ["done"]), ("b", ["never"]), ("c", ["done"])), phase("second", ("d", ["done"])))
APPROVED = plan(phase("main", ("a", ["done"]), step("b", "done", approval=True), ("c", ["done"])))


@dataclass(frozen=True)
class CommandLine:
    """Temporal's command line, run as a user runs it."""

    address: str

    async def run(self, *arguments: str) -> Result:
        """Run `temporal` to its end."""
        options = ("--address", self.address, "--namespace", "default", "--output", "json", "--color", "never")
        return await execute(TEMPORAL, *arguments, *options)

    async def do(self, *arguments: str) -> Any:
        """Run `temporal`, which has to succeed, and return what it answers."""
        done = await self.run(*arguments)
        assert done.status == 0, done.err
        return json.loads(done.out) if done.out.startswith(("{", "[")) else None

    async def signal(self, name: str, *arguments: str, to: str = ID) -> None:
        await self.do("workflow", "signal", "--workflow-id", to, "--name", name, *arguments)

    async def update(self, name: str, content: Content) -> Result:
        arguments = ("--workflow-id", ID, "--name", name, "--input", json.dumps(content))
        return await self.run("workflow", "update", "execute", *arguments)

    async def status(self) -> PlanStatus:
        answer = await self.do("workflow", "query", "--workflow-id", ID, "--type", "status")
        (status,) = answer["queryResult"]
        return PlanStatus.model_validate(status)

    async def until_ended(self, workflow_id: str = ID) -> dict[str, Any]:
        """Wait for a workflow to end; the event that it ended with says how it did."""
        ended = json.loads((await self.run("workflow", "result", "--workflow-id", workflow_id)).out)
        return {"status": ended["status"], **ended["closeEvent"]}

    async def until_listed(self, query: str, run_id: str) -> list[str]:
        """Wait until a query finds a run, as the list lags behind; the workflows that it finds."""

        async def look() -> list[str] | None:
            found = [item["execution"] for item in await self.do("workflow", "list", "--query", query) or []]
            return [item["workflowId"] for item in found] if run_id in {item["runId"] for item in found} else None

        return await until(look)

    async def triggered(self) -> str:
        """Trigger the schedule; the ID of the workflow that it starts."""
        await self.do("schedule", "trigger", "--schedule-id", SCHEDULE)

        async def look() -> str | None:
            recent = (await self.do("schedule", "describe", "--schedule-id", SCHEDULE))["info"].get("recentActions")
            return str(recent[-1]["startWorkflowResult"]["workflowId"]) if recent else None

        return await until(look)


@pytest.fixture
def cli(temporal: TemporalServer) -> CommandLine:
    return CommandLine(temporal.address)


@pytest.fixture
async def schedule(cli: CommandLine) -> AsyncIterator[None]:
    """The schedule of the documentation, which starts the plan backup."""
    await cli.do(
        *("schedule", "create", "--schedule-id", SCHEDULE, "--cron", "0 3 * * *", "--task-queue", "kudo"),
        *("--type", "ScheduledPlan", "--workflow-id", "nightly", "--input", json.dumps(REQUEST | {"plan": "backup"})),
    )
    yield
    await cli.do("schedule", "delete", "--schedule-id", SCHEDULE)


def package(directory: Path, deploy: Content, backup: Content = SHORT) -> Path:
    tasks = [dummy("done", done=True), dummy("never")]
    return write_package(directory, tasks=tasks, plans={"deploy": deploy, "backup": backup})


async def start(cli: CommandLine, installer: Installer, deploy: Content) -> Run:
    """Install, and have Temporal's command line start the plan."""
    await installer.install(package(installer.directory, deploy))
    started = await cli.do(*START, "--fail-existing", "--input", json.dumps(REQUEST))
    run = await installer.plans.latest(NAMESPACE, "test")
    assert (started["workflowId"], started["runId"]) == (run.workflow_id, run.run_id)
    return run


async def until_paused(cli: CommandLine, wanted: bool) -> None:
    async def look() -> bool:
        return (await cli.status()).paused is wanted

    await until(look)


async def test_start_query_and_list(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, SHORT)
    assert (await run.outcome()).complete
    status = await cli.status()
    assert tree(status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [COMPLETE]",
        "      └── Phase main [COMPLETE]",
        "         ├── Step a (COMPLETE)",
        "         └── Step b (COMPLETE)",
    ]
    assert await recorded(installer) == status
    query = "KudoNamespace = 'default' AND KudoInstance = 'test' AND KudoOperator = 'tested' AND KudoPlan = 'deploy'"
    # Only plans are found, none of their phases.
    assert set(await cli.until_listed(f"{query} AND KudoStatus = 'COMPLETE'", run.run_id)) == {ID}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("signal", "--name", "cancel", "--input", '"wrong window"'), "wrong window"),
        (("signal", "--name", "cancel"), ""),
        (("cancel",), ""),
    ],
)
async def test_cancel(
    cli: CommandLine, installer: Installer, client: Client, command: tuple[str, ...], reason: str
) -> None:
    run = await start(cli, installer, HANGING)
    await until_step(run, ExecutionStatus.COMPLETE)
    verb, *arguments = command
    await cli.do("workflow", verb, "--workflow-id", ID, *arguments)
    assert (await cli.until_ended())["status"] == "CANCELED"
    status = await cli.status()
    assert tree(status) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [CANCELLED]",
        *([f"      ├── {reason}"] if reason else []),
        "      ├── Phase first [CANCELLED]",
        "      │  ├── Step a (COMPLETE)",
        "      │  ├── Step b (CANCELLED)",
        "      │  └── Step c (PENDING)",
        "      └── Phase second [PENDING]",
        "         └── Step d (PENDING)",
    ]
    assert (await run.outcome()).status == status == await recorded(installer)
    assert await workflow_statuses(client) == {
        ID: WorkflowExecutionStatus.CANCELED,
        f"{ID}/first": WorkflowExecutionStatus.CANCELED,
    }


@pytest.mark.parametrize("reason", [("--input", '"lunch"'), ()])
async def test_pause_and_resume(cli: CommandLine, installer: Installer, reason: tuple[str, ...]) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await cli.signal("pause", *reason)
    # A paused plan takes an approval, and does not begin the step.
    assert (await cli.update("approve", {"by": "ann"})).status == 0
    assert (await cli.status()).paused
    await cli.until_listed("KudoStatus = 'PAUSED'", run.run_id)
    before, approved, after = [step.status for step in (await cli.status()).phases[0].steps]
    # That it waits no longer may have arrived already.
    assert (before, after) == ("COMPLETE", "PENDING")
    assert approved in ("WAITING_APPROVAL", "IN_PROGRESS")
    await cli.signal("resume", *reason)
    assert (await cli.until_ended())["status"] == "COMPLETED"
    assert (await run.outcome()).complete
    assert {("Normal", "PlanPaused"), ("Normal", "PlanResumed")} <= await events(installer)


async def test_approve(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    rejected = await cli.update("approve", {"step": "main.a", "by": "ann"})
    assert rejected.status == 1
    assert "The step main.a waits for no approval. Steps that wait for one: main.b." in rejected.err
    assert (await cli.update("approve", {"by": "ann"})).status == 0
    assert (await run.outcome()).complete


async def test_refuse(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    assert (await cli.update("refuse", {"step": "main.b", "by": "bob", "reason": "too late"})).status == 0
    ended = await cli.until_ended()
    failure = ended["workflowExecutionFailedEventAttributes"]["failure"]
    assert (ended["status"], failure["applicationFailureInfo"]["type"]) == ("FAILED", "ApprovalRefused")
    assert (await cli.status()).phases[0].steps[1].message == "Refused by bob: too late"


async def test_approval_by_signal(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await cli.signal("approve", "--input", '{"by": "ann"}')
    assert (await run.outcome()).complete


async def test_a_second_start_is_refused(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    backup = ("--input", json.dumps(REQUEST | {"plan": "backup"}))
    refused = await cli.run(*START, "--fail-existing", *backup)
    assert refused.status == 1
    assert f"Workflow execution is already running. WorkflowId: {ID}, RunId: {run.run_id}" in refused.err
    # Without the option the command line names the run that goes on as if it had started it; it starts nothing.
    assert (await cli.do(*START, *backup))["runId"] == run.run_id
    assert (await cli.status()).name == "deploy"


@pytest.mark.usefixtures("schedule")
async def test_a_schedule_runs_the_plan_under_the_id_of_the_instance(cli: CommandLine, installer: Installer) -> None:
    await installer.install(package(installer.directory, APPROVED))
    scheduled = await cli.triggered()
    assert (await cli.until_ended(scheduled))["status"] == "COMPLETED"
    run = await installer.plans.latest(NAMESPACE, "test")
    assert (run.workflow_id, run.request.plan, run.origin.by) == (ID, "backup", f"workflow {scheduled}")
    status = await cli.status()
    assert status.status is ExecutionStatus.COMPLETE
    assert await recorded(installer, "backup") == status


@pytest.mark.usefixtures("schedule")
async def test_a_schedule_is_refused_while_a_plan_runs(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    ended = await cli.until_ended(await cli.triggered())
    failure = ended["workflowExecutionFailedEventAttributes"]["failure"]
    assert (ended["status"], failure["applicationFailureInfo"]["type"]) == ("FAILED", "PlanAlreadyRunning")
    since = f"{run.origin.time:%Y-%m-%d %H:%M:%S} UTC"
    assert failure["message"].startswith(
        f"The plan deploy of the instance test in the namespace default is running since {since}, and an instance runs"
    )
    assert (await cli.status()).status is ExecutionStatus.IN_PROGRESS


@pytest.mark.usefixtures("schedule")
async def test_cancelling_what_a_schedule_started_cancels_the_plan(cli: CommandLine, installer: Installer) -> None:
    await installer.install(package(installer.directory, SHORT, backup=HANGING))
    scheduled = await cli.triggered()
    run = await until(lambda: installer.plans.running(NAMESPACE, "test"))
    await until_step(run, ExecutionStatus.COMPLETE)
    await cli.do("workflow", "cancel", "--workflow-id", scheduled)
    assert (await cli.until_ended(scheduled))["status"] == "CANCELED"
    assert (await cli.status()).status is ExecutionStatus.CANCELLED


@pytest.mark.usefixtures("schedule")
async def test_signals_to_what_a_schedule_started_reach_the_plan(cli: CommandLine, installer: Installer) -> None:
    await installer.install(package(installer.directory, SHORT, backup=APPROVED))
    scheduled = await cli.triggered()
    run = await until(lambda: installer.plans.running(NAMESPACE, "test"))
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await cli.signal("pause", to=scheduled)
    await until_paused(cli, True)
    # Only the plan is found by its status: what started it has none of its own.
    assert set(await cli.until_listed("KudoInstance = 'test' AND KudoStatus = 'PAUSED'", run.run_id)) == {ID}
    await cli.signal("resume", to=scheduled)
    await until_paused(cli, False)
    await cli.signal("cancel", "--input", '"wrong window"', to=scheduled)
    assert (await cli.until_ended(scheduled))["status"] == "CANCELED"
    assert tree(await cli.status())[1:3] == [
        "   └── Plan backup (serial strategy) [CANCELLED]",
        "      ├── wrong window",
    ]
