"""Timeouts and retry limits of plans, phases, steps and tasks, and the errors when they are exceeded."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from support.outcomes import recorded, workflow_statuses
from support.plans import CONFIG_MAP, HANGING_DEPLOYMENT, Installer, apply, dummy, phase, plan, step, write_package
from temporalio.client import Client, WorkflowExecutionStatus

from kudo.client import Outcome
from kudo.kubernetes import Cluster
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox
from kudo.worker import Settings, running

QUICK = {"initialInterval": "10ms", "maxInterval": "20ms"}


async def outcome_of(installer: Installer, deploy: Mapping[str, object], *tasks: Mapping[str, object]) -> Outcome:
    package = write_package(
        installer.directory,
        tasks=list(tasks),
        plans={"deploy": deploy},
        templates={"config.yaml": CONFIG_MAP, "hanging.yaml": HANGING_DEPLOYMENT},
    )
    return await asyncio.wait_for((await installer.deploy(package)).outcome(), 30)


@pytest.mark.usefixtures("worker")
async def test_task_fails_after_its_last_attempt(installer: Installer, client: Client) -> None:
    fails = {**dummy("fails", wantErr=True), "retry": {"maxAttempts": 3, **QUICK}}
    outcome = await outcome_of(
        installer, plan(phase("one", ("a", ["fails"]), ("b", ["never"]), strategy="parallel")), fails, dummy("never")
    )
    assert outcome.failure == "RetriesExhausted"
    first, second = outcome.status.phases[0].steps
    assert (
        first.message == "Failed after 3 attempts (maxAttempts). Last error: The Dummy task fails failed, as specified."
    )
    assert second.status is ExecutionStatus.CANCELLED
    assert await recorded(installer) == outcome.status
    assert set((await workflow_statuses(client)).values()) == {WorkflowExecutionStatus.FAILED}


@pytest.mark.usefixtures("worker")
async def test_task_succeeds_in_its_last_attempt(installer: Installer, sandbox: Sandbox) -> None:
    sandbox.faults.fail(2, path_contains="/configmaps/test-config", message="the disk is full")
    config = {**apply("config", "config.yaml"), "retry": {"maxAttempts": 3, **QUICK}}
    assert (await outcome_of(installer, plan(phase("one", ("a", ["config"]))), config)).complete


@pytest.mark.usefixtures("worker")
async def test_outage_of_the_api_uses_up_no_attempt(installer: Installer, sandbox: Sandbox) -> None:
    sandbox.faults.fail(4, path_contains="/configmaps/test-config", message="the API is away")
    config = {**apply("config", "config.yaml"), "retry": {"maxAttempts": 1, **QUICK}}
    assert (await outcome_of(installer, plan(phase("one", ("a", ["config"]))), config)).complete
    sandbox.faults.fail(4, 500, path_contains="/configmaps/test-config", message="the disk is full")
    outcome = await asyncio.wait_for((await installer.start()).outcome(), 30)
    assert outcome.failure == "RetriesExhausted"


@pytest.mark.usefixtures("worker")
async def test_delay_that_the_api_asks_for_is_obeyed(installer: Installer, sandbox: Sandbox) -> None:
    sandbox.faults.fail(1, 429, path_contains="/configmaps/test-config", message="slow down", retry_after=3)
    began = asyncio.get_running_loop().time()
    config = {**apply("config", "config.yaml"), "retry": QUICK}
    assert (await outcome_of(installer, plan(phase("one", ("a", ["config"]))), config)).complete
    assert asyncio.get_running_loop().time() - began >= 3


@pytest.mark.usefixtures("worker")
async def test_task_that_is_not_healthy_in_time_times_out(installer: Installer) -> None:
    # The first step starts the renderer, so that its start does not count towards the timeout.
    slow = {**apply("slow", "hanging.yaml"), "timeout": "3s500ms"}
    outcome = await outcome_of(
        installer, plan(phase("one", ("warm", ["config"]), ("a", ["slow"]))), apply("config", "config.yaml"), slow
    )
    assert outcome.failure == "TimedOut"
    message = outcome.status.phases[0].steps[1].message
    assert message.startswith(
        "The task slow did not complete within its timeout of 3.5s. Last state: Deployment default/test"
    )


@pytest.mark.only_on("sandbox", "its tasks do not use the cluster")
@pytest.mark.usefixtures("worker")
async def test_task_that_fails_until_its_timeout_times_out(installer: Installer) -> None:
    fails = {**dummy("fails", wantErr=True), "timeout": "3s", "retry": {"initialInterval": "100ms"}}
    outcome = await outcome_of(installer, plan(phase("one", ("a", ["fails"]))), fails)
    assert outcome.failure == "TimedOut"
    assert outcome.message == (
        "The task fails did not complete within its timeout of 3s. "
        "Last state: The Dummy task fails failed, as specified."
    )


@pytest.mark.only_on("sandbox", "its tasks do not use the cluster")
@pytest.mark.usefixtures("worker")
async def test_retry_after_the_timeout_does_not_start(installer: Installer) -> None:
    """The server fails a task whose next attempt would start after its timeout."""
    late = {"initialInterval": "1h", "maxInterval": "1h"}
    fails = {**dummy("fails", wantErr=True), "timeout": "3s", "retry": late}
    outcome = await outcome_of(installer, plan(phase("one", ("a", ["fails"]))), fails)
    assert outcome.failure == "TimedOut"
    assert outcome.message.endswith("timeout of 3s. Last state: The Dummy task fails failed, as specified.")


@pytest.mark.only_on("sandbox", "its tasks do not use the cluster")
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("bounded", ["plan", "phase", "step"])
async def test_timeout_of_plan_phase_or_step_ends_its_task(installer: Installer, bounded: str) -> None:
    limit = {name: {"timeout": "3s"} if name == bounded else {} for name in ("plan", "phase", "step")}
    deploy = plan(phase("one", step("a", "never", **limit["step"]), **limit["phase"]), **limit["plan"])
    outcome = await outcome_of(installer, deploy, dummy("never"))
    name = {"plan": "plan deploy", "phase": "phase one", "step": "step one.a"}[bounded]
    assert outcome.failure == "TimedOut"
    assert outcome.status.phases[0].steps[0].message == (
        f"The {name} did not complete within its timeout of 3s. "
        "Last state: the Dummy task never never ends, as specified"
    )


@pytest.mark.only_on("sandbox", "its tasks do not use the cluster")
@pytest.mark.usefixtures("worker")
async def test_timeout_of_plan_fails_the_running_phase(installer: Installer) -> None:
    phases = [phase("one", ("a", ["slow"])), phase("two", ("b", ["never"]))]
    outcome = await outcome_of(installer, plan(*phases, timeout="5s"), dummy("slow", done=True), dummy("never"))
    assert [part.status for part in outcome.status.phases] == ["COMPLETE", "FATAL_ERROR"]


async def test_worker_settings_apply_to_tasks_without_retry(
    client: Client, cluster: Cluster, installer: Installer
) -> None:
    settings = Settings(task_max_attempts=2, task_initial_interval=timedelta(milliseconds=10))
    limited = {**dummy("own", wantErr=True), "retry": {"maxAttempts": 1}}
    async with running(client, cluster, settings=settings):
        outcome = await outcome_of(installer, plan(phase("one", ("a", ["none"]))), dummy("none", wantErr=True))
        assert outcome.message.startswith("Failed after 2 attempts")
        package = write_package(
            installer.directory, name="own", tasks=[limited], plans={"deploy": plan(phase("one", ("a", ["own"])))}
        )
        outcome = await asyncio.wait_for((await installer.deploy(package, "own")).outcome(), 30)
        assert outcome.message.startswith("Failed after 1 attempt (")


@pytest.mark.only_on("sandbox", "its tasks do not use the cluster")
@pytest.mark.usefixtures("worker")
async def test_timeout_of_a_century_is_accepted(installer: Installer) -> None:
    century = {"timeout": "876000h"}
    deploy = plan(phase("one", step("a", "done", **century), **century), **century)
    assert (await outcome_of(installer, deploy, {**dummy("done", done=True), **century})).complete
