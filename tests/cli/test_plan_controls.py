"""The commands that control plans: pause, resume, approve, refuse, retry, history."""

import json
import re
from pathlib import Path

import pytest
from support.command import kudo
from support.outcomes import until_step
from support.plans import Installer, dummy, phase, plan, step, write_package
from support.waiting import until
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from kudo.cli.session import whoami
from kudo.client import Run
from kudo.model.status import ExecutionStatus

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[
            dummy("done", done=True),
            dummy("never"),
            dummy("fails", wantErr=True),
            dummy("fatal", wantErr=True, fatal=True),
        ],
        plans={
            "deploy": plan(phase("main", ("a", ["done"]))),
            "wait": plan(phase("main", ("a", ["never"]), ("b", ["done"]))),
            "ask": plan(phase("main", ("a", ["done"]), step("b", "done", approval=True))),
            "try": plan(phase("main", ("a", ["done"]), ("b", ["fatal"]), ("c", ["done"]))),
            "fail": plan(phase("main", ("a", ["fails"]))),
        },
        params=[{"name": "SIZE", "default": "small"}],
    )


async def start_until(installer: Installer, package: Path, name: str, status: ExecutionStatus) -> Run:
    await (await installer.deploy(package)).outcome()
    run = await installer.start(plan=name)
    await until_step(run, status)
    return run


async def test_paused_plan_continues_with_resume(installer: Installer, package: Path) -> None:
    run = await start_until(installer, package, "wait", ExecutionStatus.IN_PROGRESS)
    refused = await kudo("plan", "resume", "--instance", "test")
    assert refused.status == 1
    assert "The plan wait of the instance test in the namespace default is running since 20" in refused.err
    paused = await kudo("plan", "pause", "--instance", "test", "--reason", "lunch")
    assert paused.out == (
        "The plan wait is paused. Resume it with `kudo plan resume --instance test --namespace default`.\n"
    )

    async def is_paused() -> bool:
        return (await run.status()).paused

    await until(is_paused)

    async def is_shown() -> bool:
        shown = await kudo("plan", "status", "--instance", "test")
        assert "Plan wait (serial strategy) [IN_PROGRESS] PAUSED" in shown.out
        return "the Dummy task never never ends, as specified" in shown.out

    await until(is_shown)
    assert (await kudo("plan", "resume", "--instance", "test")).out.startswith("The plan wait has resumed.\n")
    assert not (await until(run.status)).paused
    assert (await kudo("plan", "cancel", "--instance", "test", "--wait")).status == 0


async def test_step_that_waits_for_approval_is_listed(installer: Installer, package: Path, client: Client) -> None:
    nothing = await kudo("plan", "approvals")
    assert nothing.out == "No step waits for approval in the namespace default.\n"
    run = await start_until(installer, package, "ask", ExecutionStatus.WAITING_APPROVAL)

    async def listed() -> str:
        found = await kudo("plan", "approvals", "-A")
        return found.out if "main.b" in found.out else ""

    lines = (await until(listed)).splitlines()
    assert lines[0].split() == ["NAMESPACE", "INSTANCE", "PLAN", "STEP", "SINCE"]
    assert lines[1].split()[:4] == ["default", "test", "ask", "main.b"]
    options = "--instance test --namespace default --step main.b"
    assert lines[2] == f"Approve a step with `kudo plan approve`, such as `kudo plan approve {options}`."
    assert "WAITING_APPROVAL" in (await kudo("get", "instances")).out
    handle = client.get_workflow_handle(run.workflow_id)
    attributes = (await handle.describe()).typed_search_attributes
    assert attributes.get(SearchAttributeKey.for_keyword("KudoStatus")) == "WAITING_APPROVAL"
    details = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert f"`kudo plan approve {options}`" in details.current_details
    assert (await kudo(*lines[2].split("`")[-2].split()[1:])).status == 0
    assert (await run.outcome()).complete


async def test_approved_step_runs(installer: Installer, package: Path) -> None:
    run = await start_until(installer, package, "ask", ExecutionStatus.WAITING_APPROVAL)
    wrong = await kudo("plan", "approve", "--instance", "test", "--step", "main.a")
    assert wrong.status == 1
    assert wrong.err == "Error: The step main.a does not wait for approval. Steps that wait: main.b.\n"
    assert (await kudo("plan", "approve", "--instance", "test")).out == "Approved: the plan ask of test.\n"
    assert (await run.outcome()).complete


async def test_refused_step_fails_plan_with_reason(installer: Installer, package: Path) -> None:
    run = await start_until(installer, package, "ask", ExecutionStatus.WAITING_APPROVAL)
    assert (await kudo("plan", "refuse", "--instance", "test", "--reason", "not today")).status == 0
    assert (await run.outcome()).message.endswith(": not today")


async def test_controls_without_running_plan_are_refused(installer: Installer, package: Path) -> None:
    await (await installer.deploy(package)).outcome()
    for command in ("pause", "approve", "refuse", "cancel"):
        refused = await kudo("plan", command, "--instance", "test")
        assert refused.status == 1
        assert refused.err == "Error: No plan of the instance test in the namespace default is running.\n"


async def test_retry_from_step_uses_parameters_of_last_run(installer: Installer, package: Path) -> None:
    await (await installer.deploy(package)).outcome()
    failed = await kudo("plan", "trigger", "--instance", "test", "--name", "try", "-p", "SIZE=large", "--wait")
    assert failed.status == 1
    unknown = await kudo("plan", "retry", "--instance", "test", "--from", "main.x")
    assert unknown.err == ("Error: The plan try has no phase or step 'main.x'. Its steps: main.a, main.b, main.c.\n")
    done = await kudo("plan", "retry", "--instance", "test", "--from", "main.c", "--wait")
    assert done.status == 0, done.err

    async def complete_runs() -> list[dict[str, object]] | None:
        listed = await kudo("plan", "history", "--instance", "test", "-o", "json")
        # The server also lists runs of other tests, and lists the newest run with a delay.
        runs = json.loads(listed.out)[:3]
        return runs if runs[0].get("startFrom") and runs[0].get("completionTime") else None

    retried, tried, deployed = await until(complete_runs)
    assert (retried["status"], retried["startFrom"], retried["parameters"]) == (
        "COMPLETE",
        "main.c",
        {"SIZE": "large"},
    )
    assert (tried["status"], tried["failing"], tried["plan"]) == ("FATAL_ERROR", "main.b", "try")
    assert "@" in tried["startedBy"]
    assert tried["startTime"] < tried["completionTime"] < retried["startTime"]
    assert (deployed["plan"], deployed["status"]) == ("deploy", "COMPLETE")


async def test_history_is_printed_as_table(installer: Installer, package: Path) -> None:
    none = await kudo("plan", "history", "--instance", "nobody")
    assert none.out == "Temporal has no runs of the instance nobody in the namespace default.\n"
    run = await start_until(installer, package, "wait", ExecutionStatus.IN_PROGRESS)

    async def listed() -> str | None:
        table = (await kudo("plan", "history", "--instance", "test", "--limit", "1")).out
        return table if "IN_PROGRESS" in table else None

    header, line = (await until(listed)).splitlines()
    assert header.split() == ["STARTED", "DURATION", "PLAN", "STATUS", "STARTED", "BY", "DETAIL"]
    assert line.split()[3:5] == ["wait", "IN_PROGRESS"]
    assert (await kudo("plan", "cancel", "test", "--reason", "too slow", "--wait")).status == 0
    await run.outcome()
    wide = await kudo("plan", "history", "test", "--limit", "1", "-o", "wide")
    assert wide.out.splitlines()[0].split()[-4:] == ["PARAMETERS", "RUN", "ID", "DETAIL"]
    assert wide.out.splitlines()[1].rstrip().endswith(f"cancelled by {whoami()}: too slow")


async def test_status_shows_attempts_and_watch_shows_durations(installer: Installer, package: Path) -> None:
    run = await start_until(installer, package, "fail", ExecutionStatus.ERROR)

    async def has_a_later_attempt() -> bool:
        shown = (await kudo("plan", "status", "--instance", "test")).out
        later = re.search(r"task fails: attempt ([3-9]|[1-9][0-9])\n", shown)
        return later is not None and "The Dummy task fails failed, as specified." in shown

    await until(has_a_later_attempt)
    await installer.plans.cancel("default", "test", "")
    await run.outcome()
    watched = await kudo("plan", "status", "--instance", "test", "--watch")
    line = next(line for line in watched.out.splitlines() if "Step a (CANCELLED)" in line)
    assert line.endswith("s")
