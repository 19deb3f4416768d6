"""Processes that are killed in the middle of a plan, which ends as it would without that."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from support.command import process
from support.files import Files
from support.pipes import SECRET, certificate_package, pod_of, until_pod_is_gone
from support.plans import (
    HANGING_DEPLOYMENT,
    HANGING_JOB,
    NAMESPACE,
    Installer,
    apply,
    dummy,
    phase,
    plan,
    write_package,
)
from support.rollouts import release_pod, roll_out
from support.waiting import until
from temporalio.client import Client

from kudo.client import Plans, Run, connect
from kudo.devstack.ports import free_port
from kudo.devstack.temporal import temporal_server
from kudo.kubernetes import Cluster
from kudo.model.objects import Object
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox

RECREATED_JOB = HANGING_JOB.replace("metadata:\n", "metadata:\n  annotations:\n    kudo.dev/recreate: Always\n", 1)

WORKER = (sys.executable, "-m", "kudo.worker")


def slow_package(directory: Path) -> Path:
    """Write a package whose plan waits in the middle until `roll_out` completes its Deployment."""
    return write_package(
        directory,
        tasks=[dummy("done", done=True), apply("slow", "slow.yaml")],
        plans={"deploy": plan(phase("one", ("a", ["done"]), ("b", ["slow"]), ("c", ["done"])))},
        templates={"slow.yaml": HANGING_DEPLOYMENT},
    )


async def applied_deployment(installer: Installer) -> Object:
    return await until(lambda: installer.get("apps/v1", "Deployment", "test"))


async def test_plan_completes_after_worker_is_killed_during_apply(installer: Installer) -> None:
    async with process(*WORKER) as first:
        run = await installer.deploy(slow_package(installer.directory))
        before = await applied_deployment(installer)
        first.kill()
        await first.wait()
    async with process(*WORKER):
        await roll_out(installer.cluster, "test")
        outcome = await asyncio.wait_for(run.outcome(), 60)
    assert outcome.complete
    after = await installer.get("apps/v1", "Deployment", "test")
    assert after is not None
    assert after.uid == before.uid
    assert after.integer("metadata", "generation") == 1


async def test_job_is_recreated_once_although_worker_is_killed(installer: Installer) -> None:
    """The worker that replaces a killed one must not delete and recreate the Job that the killed one just created."""
    package = write_package(
        installer.directory,
        tasks=[apply("job", "job.yaml")],
        plans={"deploy": plan(phase("one", ("a", ["job"])))},
        templates={"job.yaml": RECREATED_JOB},
    )
    async with process(*WORKER) as first:
        run = await installer.deploy(package)
        before = await until(lambda: installer.get("batch/v1", "Job", "test"))
        first.kill()
        await first.wait()
    async with process(*WORKER):
        await roll_out(installer.cluster, "test")
        assert (await asyncio.wait_for(run.outcome(), 60)).complete
        after = await installer.get("batch/v1", "Job", "test")
        assert after is not None
        assert after.uid == before.uid
        # The next run recreates it.
        next_run = await installer.start()
        await until_recreated(installer, before)
        await roll_out(installer.cluster, "test")
        assert (await asyncio.wait_for(next_run.outcome(), 60)).complete


async def test_plan_completes_after_worker_is_killed_during_pipe(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", b"certificate")
    async with process(*WORKER) as first:
        run = await installer.deploy(certificate_package(installer, files, rollout="hang"))
        before = await until(lambda: pod_of(installer))
        first.kill()
        await first.wait()
    await release_pod(installer.cluster, before.ref)
    async with process(*WORKER):
        assert (await asyncio.wait_for(run.outcome(), 60)).complete
        assert await installer.get("v1", "Secret", SECRET) is not None
        await until_pod_is_gone(installer)


async def test_plan_that_lost_its_worker_during_pipe_is_cancelled(installer: Installer, files: Files) -> None:
    async with process(*WORKER) as first:
        run = await installer.deploy(certificate_package(installer, files, rollout="hang"))
        await until(lambda: pod_of(installer))
        first.kill()
        await first.wait()
    await installer.plans.cancel(NAMESPACE, "test", "")
    async with process(*WORKER):
        assert (await asyncio.wait_for(run.outcome(), 60)).status.status is ExecutionStatus.CANCELLED
        await until_pod_is_gone(installer)


async def test_plan_completes_after_worker_is_killed_during_deployment_of_child(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        tasks=[{"name": "child", "kind": "KudoOperator", "spec": {"package": "./below", "instanceName": "below"}}],
        plans={"deploy": plan(phase("one", ("a", ["child"])))},
    )
    slow_package(package).rename(package / "below")
    operator = package / "below" / "operator.yaml"
    operator.write_text(operator.read_text().replace("name: tested", "name: below"))
    async with process(*WORKER) as first:
        run = await installer.deploy(package)
        before = await until(lambda: installer.get("apps/v1", "Deployment", "below"))
        first.kill()
        await first.wait()
    async with process(*WORKER):
        await roll_out(installer.cluster, "below")
        outcome = await asyncio.wait_for(run.outcome(), 60)
    assert outcome.complete, outcome
    after = await installer.get("apps/v1", "Deployment", "below")
    assert after is not None
    assert after.uid == before.uid


async def until_recreated(installer: Installer, before: Object) -> None:
    """Wait until another Job of the same name exists, with a pod."""

    async def is_recreated() -> bool:
        job = await installer.get("batch/v1", "Job", "test")
        pods = await installer.cluster.list("v1", "Pod", NAMESPACE, "app=test")
        owners = [owner.text("uid") for pod in pods for owner in pod.children("metadata", "ownerReferences")]
        return job is not None and owners == [job.uid] != [before.uid]

    await until(is_recreated)


async def test_worker_that_receives_sigterm_hands_over_its_tasks(installer: Installer) -> None:
    async with process(*WORKER) as first:
        run = await installer.deploy(slow_package(installer.directory))
        await applied_deployment(installer)
        async with process(*WORKER):
            first.send_signal(signal.SIGTERM)
            _, stderr = await asyncio.wait_for(first.communicate(), 30)
            assert first.returncode == 0
            assert b"Traceback" not in stderr
            await roll_out(installer.cluster, "test")
            assert (await asyncio.wait_for(run.outcome(), 60)).complete


async def test_plan_completes_after_temporal_server_is_killed(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, ui_port = free_port(0), free_port(0)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    async with temporal_server(port, ui_port, tmp_path / "temporal.db") as server:
        client: Client = await connect()
        installer = Installer(cluster, Plans(client), tmp_path)
        async with process(*WORKER):
            run: Run = await installer.deploy(slow_package(tmp_path))
            await applied_deployment(installer)
            os.kill(server.pid, signal.SIGKILL)
            await roll_out(cluster, "test")
            async with temporal_server(port, ui_port, tmp_path / "temporal.db"):
                outcome = await asyncio.wait_for(run.outcome(), 60)
                assert outcome.complete


async def test_plan_completes_after_api_was_unreachable(installer: Installer, sandbox: Sandbox, worker: None) -> None:
    run = await installer.deploy(slow_package(installer.directory))
    await applied_deployment(installer)
    sandbox.faults.away = True

    async def has_error() -> bool:
        return any(step.status is ExecutionStatus.ERROR for step in (await run.status()).phases[0].steps)

    await until(has_error)
    sandbox.faults.away = False
    await roll_out(installer.cluster, "test")
    assert (await asyncio.wait_for(run.outcome(), 60)).complete
