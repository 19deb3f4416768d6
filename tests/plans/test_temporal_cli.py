"""Temporal's own command line controls plans as documented, with the same results as `kudo`."""

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
        """Run `temporal`, require success, and return its JSON output."""
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
        """Wait until a workflow ends, and return its status with the attributes of its last event."""
        ended = json.loads((await self.run("workflow", "result", "--workflow-id", workflow_id)).out)
        return {"status": ended["status"], **ended["closeEvent"]}

    async def until_listed(self, query: str, run_id: str) -> list[str]:
        """Wait until a query finds a run, as the list is delayed, and return the workflow IDs that it finds."""

        async def listed() -> list[str] | None:
            found = [item["execution"] for item in await self.do("workflow", "list", "--query", query) or []]
            return [item["workflowId"] for item in found] if run_id in {item["runId"] for item in found} else None

        return await until(listed)

    async def trigger(self) -> str:
        """Trigger the schedule, and return the ID of the workflow that it starts."""
        await self.do("schedule", "trigger", "--schedule-id", SCHEDULE)

        async def started_workflow() -> str | None:
            recent = (await self.do("schedule", "describe", "--schedule-id", SCHEDULE))["info"].get("recentActions")
            return str(recent[-1]["startWorkflowResult"]["workflowId"]) if recent else None

        return await until(started_workflow)


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
    """Install a package, and start its plan with Temporal's command line."""
    await installer.install(package(installer.directory, deploy))
    started = await cli.do(*START, "--fail-existing", "--input", json.dumps(REQUEST))
    run = await installer.plans.latest(NAMESPACE, "test")
    assert (started["workflowId"], started["runId"]) == (run.workflow_id, run.run_id)
    return run


async def until_paused(cli: CommandLine, wanted: bool) -> None:
    async def is_wanted() -> bool:
        return (await cli.status()).paused is wanted

    await until(is_wanted)


async def test_plan_is_started_queried_and_listed(cli: CommandLine, installer: Installer) -> None:
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
    # The query finds plans only, not their phases.
    assert set(await cli.until_listed(f"{query} AND KudoStatus = 'COMPLETE'", run.run_id)) == {ID}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("signal", "--name", "cancel", "--input", '"wrong window"'), "wrong window"),
        (("signal", "--name", "cancel"), ""),
        (("cancel",), ""),
    ],
)
async def test_plan_is_cancelled_by_signal_or_command(
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
async def test_plan_is_paused_and_resumed_by_signal(
    cli: CommandLine, installer: Installer, reason: tuple[str, ...]
) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await cli.signal("pause", *reason)
    # A paused plan accepts an approval, and does not start the step.
    assert (await cli.update("approve", {"by": "ann"})).status == 0
    assert (await cli.status()).paused
    await cli.until_listed("KudoStatus = 'PAUSED'", run.run_id)
    before, approved, after = [step.status for step in (await cli.status()).phases[0].steps]
    # The new status of the approved step may have arrived already.
    assert (before, after) == ("COMPLETE", "PENDING")
    assert approved in ("WAITING_APPROVAL", "IN_PROGRESS")
    await cli.signal("resume", *reason)
    assert (await cli.until_ended())["status"] == "COMPLETED"
    assert (await run.outcome()).complete
    assert {("Normal", "PlanPaused"), ("Normal", "PlanResumed")} <= await events(installer)


async def test_step_is_approved_by_update(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    rejected = await cli.update("approve", {"step": "main.a", "by": "ann"})
    assert rejected.status == 1
    assert "The step main.a does not wait for approval. Steps that wait: main.b." in rejected.err
    assert (await cli.update("approve", {"by": "ann"})).status == 0
    assert (await run.outcome()).complete


async def test_step_is_refused_by_update(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    assert (await cli.update("refuse", {"step": "main.b", "by": "bob", "reason": "too late"})).status == 0
    ended = await cli.until_ended()
    failure = ended["workflowExecutionFailedEventAttributes"]["failure"]
    assert (ended["status"], failure["applicationFailureInfo"]["type"]) == ("FAILED", "ApprovalRefused")
    assert (await cli.status()).phases[0].steps[1].message == "Refused by bob: too late"


async def test_step_is_approved_by_signal(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await cli.signal("approve", "--input", '{"by": "ann"}')
    assert (await run.outcome()).complete


async def test_second_start_is_refused(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    backup = ("--input", json.dumps(REQUEST | {"plan": "backup"}))
    refused = await cli.run(*START, "--fail-existing", *backup)
    assert refused.status == 1
    assert f"Workflow execution is already running. WorkflowId: {ID}, RunId: {run.run_id}" in refused.err
    # Without the option the command starts nothing, but prints the running workflow as if it had started it.
    assert (await cli.do(*START, *backup))["runId"] == run.run_id
    assert (await cli.status()).name == "deploy"


@pytest.mark.usefixtures("schedule")
async def test_schedule_runs_plan_under_workflow_id_of_instance(cli: CommandLine, installer: Installer) -> None:
    await installer.install(package(installer.directory, APPROVED))
    scheduled = await cli.trigger()
    assert (await cli.until_ended(scheduled))["status"] == "COMPLETED"
    run = await installer.plans.latest(NAMESPACE, "test")
    assert (run.workflow_id, run.request.plan, run.origin.by) == (ID, "backup", f"workflow {scheduled}")
    status = await cli.status()
    assert status.status is ExecutionStatus.COMPLETE
    assert await recorded(installer, "backup") == status


@pytest.mark.usefixtures("schedule")
async def test_schedule_is_refused_while_plan_runs(cli: CommandLine, installer: Installer) -> None:
    run = await start(cli, installer, APPROVED)
    ended = await cli.until_ended(await cli.trigger())
    failure = ended["workflowExecutionFailedEventAttributes"]["failure"]
    assert (ended["status"], failure["applicationFailureInfo"]["type"]) == ("FAILED", "PlanAlreadyRunning")
    since = f"{run.origin.time:%Y-%m-%d %H:%M:%S} UTC"
    assert failure["message"].startswith(
        f"The plan deploy of the instance test in the namespace default is running since {since}, and an instance runs"
    )
    assert (await cli.status()).status is ExecutionStatus.IN_PROGRESS


@pytest.mark.usefixtures("schedule")
async def test_cancel_of_scheduled_workflow_cancels_plan(cli: CommandLine, installer: Installer) -> None:
    await installer.install(package(installer.directory, SHORT, backup=HANGING))
    scheduled = await cli.trigger()
    run = await until(lambda: installer.plans.running(NAMESPACE, "test"))
    await until_step(run, ExecutionStatus.COMPLETE)
    await cli.do("workflow", "cancel", "--workflow-id", scheduled)
    assert (await cli.until_ended(scheduled))["status"] == "CANCELED"
    assert (await cli.status()).status is ExecutionStatus.CANCELLED


@pytest.mark.usefixtures("schedule")
async def test_signals_to_scheduled_workflow_reach_plan(cli: CommandLine, installer: Installer) -> None:
    await installer.install(package(installer.directory, SHORT, backup=APPROVED))
    scheduled = await cli.trigger()
    run = await until(lambda: installer.plans.running(NAMESPACE, "test"))
    await until_step(run, ExecutionStatus.WAITING_APPROVAL)
    await cli.signal("pause", to=scheduled)
    await until_paused(cli, True)
    # Only the plan has the search attribute KudoStatus, not the workflow of the schedule.
    assert set(await cli.until_listed("KudoInstance = 'test' AND KudoStatus = 'PAUSED'", run.run_id)) == {ID}
    await cli.signal("resume", to=scheduled)
    await until_paused(cli, False)
    await cli.signal("cancel", "--input", '"wrong window"', to=scheduled)
    assert (await cli.until_ended(scheduled))["status"] == "CANCELED"
    assert tree(await cli.status())[1:3] == [
        "   └── Plan backup (serial strategy) [CANCELLED]",
        "      ├── wrong window",
    ]
