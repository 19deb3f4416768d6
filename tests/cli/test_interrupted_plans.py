"""Terminated plans, plans that cannot start, and instances that are difficult to uninstall."""

from pathlib import Path

import pytest
from support.command import kudo
from support.outcomes import recorded, until_step
from support.plans import NAMESPACE, Installer, dummy, phase, plan, write_package
from support.waiting import until
from temporalio.client import Client

from kudo.devstack.ports import free_port
from kudo.devstack.temporal import temporal_server
from kudo.instances.report import report_status
from kudo.instances.resources import read_instance
from kudo.kubernetes import Cluster
from kudo.model.execution import PlanRequest
from kudo.model.objects import ObjectRef
from kudo.model.report import StatusReport
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[dummy("never"), dummy("done", done=True)],
        plans={
            "deploy": plan(phase("main", ("a", ["never"]))),
            "update": plan(phase("main", ("a", ["done"]))),
            "cleanup": plan(phase("main", ("a", ["never"]))),
        },
        params=[{"name": "SIZE", "default": "small"}],
    )


@pytest.mark.usefixtures("worker")
async def test_status_of_terminated_workflow_is_fatal_error(
    package: Path, installer: Installer, client: Client
) -> None:
    run = await installer.deploy(package, "it")

    async def step_is_recorded() -> bool:
        status = (await read_instance(installer.cluster, NAMESPACE, "it")).status.plan_status.get("deploy")
        return status is not None and status.phases[0].steps[0].status is ExecutionStatus.IN_PROGRESS

    await until(step_is_recorded)
    await client.get_workflow_handle(run.workflow_id).terminate("by hand")
    status = await kudo("plan", "status", "--instance", "it", "--watch")
    assert "Plan deploy (serial strategy) [FATAL_ERROR]" in status.out
    assert "IN_PROGRESS" not in status.out
    waited = await kudo("plan", "wait", "--instance", "it")
    assert waited.status == 1
    assert "The plan deploy ended FATAL_ERROR" in waited.err
    # All commands agree, and the Instance says it as well from now on.
    listed = await kudo("get", "instances")
    assert "FATAL_ERROR" in listed.out
    history = await kudo("plan", "history", "it")
    assert "FATAL_ERROR" in history.out
    assert "terminated" in history.out
    assert (await recorded(installer, instance="it")).status is ExecutionStatus.FATAL_ERROR


@pytest.mark.usefixtures("worker")
async def test_get_records_how_a_terminated_plan_ended(installer: Installer, client: Client) -> None:
    package = write_package(
        installer.directory, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))}
    )
    run = await installer.deploy(package)
    await until_step(run, ExecutionStatus.IN_PROGRESS)

    async def is_recorded() -> bool:
        return (await recorded(installer)).phases[0].steps[0].status is ExecutionStatus.IN_PROGRESS

    await until(is_recorded)
    await client.get_workflow_handle(run.workflow_id).terminate("by hand")
    listed = await kudo("get", "instances", "-o", "wide")
    assert "FATAL_ERROR" in listed.out
    assert "terminated" in listed.out
    status = await recorded(installer)
    assert status.status is ExecutionStatus.FATAL_ERROR
    assert "terminated" in status.message


async def test_missing_temporal_namespace_is_reported(package: Path, cluster: Cluster, client: Client) -> None:
    result = await kudo("install", package, TEMPORAL_NAMESPACE="nowhere")
    assert (result.status, result.err) == (
        1,
        "Error: Temporal has no namespace nowhere. Set TEMPORAL_NAMESPACE to an existing one.\n",
    )
    assert not await cluster.list(API_VERSION, "Instance", NAMESPACE)
    worker = await kudo("worker", TEMPORAL_NAMESPACE="nowhere")
    assert worker.status == 1
    assert "Traceback" not in worker.err


async def test_wait_without_worker_suggests_to_start_one(package: Path, installer: Installer) -> None:
    result = await kudo("install", package, "--instance", "it", "--wait", "--wait-time", "1")
    assert result.status == 1
    assert "No worker answers; start one with `kudo worker`." in result.err


async def test_start_without_worker_is_reported(
    package: Path, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server of its own, because Temporal remembers the workers of other tests."""
    async with temporal_server(free_port(0), free_port(0), tmp_path / "temporal.db") as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        result = await kudo("install", package, "--instance", "it")
    assert (result.status, result.out.splitlines()[1]) == (0, "The plan deploy has started.")
    assert result.err.startswith("Warning: No worker has polled Temporal recently, so the plan waits.")


@pytest.mark.usefixtures("worker")
async def test_uninstall_with_hanging_cleanup_times_out_and_can_skip_it(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    result = await kudo("uninstall", "--instance", "it", "--wait-time", "5")
    assert result.status == 1
    assert "The instance it was not deleted within 5 s." in result.err
    again = await kudo("uninstall", "--instance", "it", "--wait-time", "5")
    assert again.out.splitlines()[0] == "The plan cleanup is running."
    result = await kudo("uninstall", "--instance", "it", "--skip-cleanup")
    lines = result.out.splitlines()
    assert lines[0] == "Cancelling plan cleanup, which is running."
    assert lines[-1] == "The instance it was deleted."


async def test_instance_without_operator_version_is_uninstalled(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    version = ObjectRef(API_VERSION, "OperatorVersion", NAMESPACE, "tested-1.0.0")
    await installer.cluster.delete(version, propagation="Background")
    assert (await kudo("plan", "status", "--instance", "it")).status == 0
    assert (await kudo("uninstall", "--instance", "it")).out == "The instance it was deleted.\n"


async def test_trigger_of_cleanup_is_refused(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    result = await kudo("plan", "trigger", "--instance", "it", "--name", "cleanup")
    assert (result.status, result.err) == (
        1,
        "Error: The plan cleanup runs when the instance is uninstalled: "
        "`kudo uninstall --instance it --namespace default`.\n",
    )


async def test_late_report_of_older_run_is_ignored(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    request = PlanRequest(namespace=NAMESPACE, instance="it", plan="deploy")

    async def report(uid: str, status: str, second: int) -> None:
        fields = {"name": "deploy", "uid": uid, "status": status}
        update_time = {"lastUpdatedTimestamp": f"2026-01-01T00:00:{second:02}Z"}
        content = {"request": request.to_json(), "uid": uid, "status": {**fields, **update_time}}
        assert await report_status(installer.cluster, StatusReport.model_validate(content))

    await report("old", "IN_PROGRESS", 1)
    await report("new", "IN_PROGRESS", 3)
    await report("old", "FATAL_ERROR", 2)
    recorded = (await read_instance(installer.cluster, NAMESPACE, "it")).status.plan_status["deploy"]
    assert (recorded.uid, recorded.status) == ("new", "IN_PROGRESS")
