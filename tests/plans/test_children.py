"""KudoOperator tasks: Instances of other operators, whose plans run below the plan of their parent."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.command import kudo
from support.outcomes import events, recorded, tree, until_step, workflow_statuses
from support.plans import (
    CONFIG_MAP,
    HANGING_DEPLOYMENT,
    NAMESPACE,
    Content,
    Installer,
    apply,
    dummy,
    phase,
    plan,
    step,
    write_package,
)
from support.rollouts import roll_out
from support.waiting import until
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from kudo.client import Run
from kudo.instances.change import write_change
from kudo.instances.pending_plan import clear_pending_plan
from kudo.instances.resources import instance_ref
from kudo.model import yaml
from kudo.model.execution import Approval
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.operations.uninstall import uninstall
from kudo.operations.update import check_update

pytestmark = pytest.mark.usefixtures("worker")

CONFIG = CONFIG_MAP.replace("key: value", "key: {{ Params.VALUE }}")

PARAMETERS = "VALUE: from {{ Name }} {{ Params.SIZE }}\n"


def operator(name: str = "zookeeper", package: str = "./zookeeper", **spec: object) -> Content:
    return {"name": name, "kind": "KudoOperator", "spec": {"package": package, **spec}}


def child(root: Path, *tasks: Content, name: str = "zookeeper", version: str = "1.0.0", **plans: Content) -> Path:
    """Write the child's package into its parent's."""
    names = [str(task["name"]) for task in tasks] or ["config"]
    return write_package(
        root,
        name=name,
        operatorVersion=version,
        tasks=[*tasks] or [apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("run", names))), **plans},
        params=[{"name": "VALUE", "default": "own"}, {"name": "OTHER", "default": "x", "trigger": "deploy"}],
        templates={"config.yaml": CONFIG, "slow.yaml": HANGING_DEPLOYMENT},
    )


def parent(
    installer: Installer,
    *,
    plans: Mapping[str, Content] | None = None,
    tasks: list[Content] | None = None,
    **spec: object,
) -> Path:
    """Write a package that requires another package, in its own folder."""
    spec = {"parameterFile": "child.yaml"} | spec
    return write_package(
        installer.directory,
        name="kafka",
        tasks=[operator(**spec), dummy("done", done=True), *(tasks or [])],
        plans=plans
        or {"deploy": plan(phase("first", ("zookeeper", ["zookeeper"])), phase("second", ("end", ["done"])))},
        params=[{"name": "SIZE", "default": "small"}],
        templates={"child.yaml": PARAMETERS},
    )


async def get_instance(installer: Installer, name: str = "test-zookeeper") -> Object:
    found = await installer.get(API_VERSION, "Instance", name)
    assert found is not None
    return found


async def config_value(installer: Installer, name: str = "test-zookeeper") -> str:
    found = await installer.get("v1", "ConfigMap", f"{name}-config")
    return found.text("data", "key") if found else ""


async def test_child_is_created_owned_and_deployed(installer: Installer) -> None:
    package = parent(installer)
    child(package)
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.complete, outcome
    created = await get_instance(installer)
    assert created.child("spec").manifest == {
        "operatorVersion": {"name": "zookeeper-1.0.0"},
        "parameters": {"VALUE": "from test small"},
    }
    (owner,) = created.children("metadata", "ownerReferences")
    assert (owner.text("kind"), owner.text("name"), owner.flag("controller")) == ("Instance", "test", False)
    assert created.labels["kudo.dev/operator"] == "zookeeper"
    assert "kudo.dev/pending-plan" not in created.annotations
    assert await config_value(installer) == "from test small"
    assert (await recorded(installer, instance="test-zookeeper")).status is ExecutionStatus.COMPLETE


async def test_status_of_child_is_shown_below_step_of_parent(installer: Installer, client: Client) -> None:
    package = parent(installer)
    child(package)
    run = await installer.deploy(package)
    await run.outcome()
    assert tree(await run.current()) == [
        "└── test",
        "   └── Plan deploy (serial strategy) [COMPLETE]",
        "      ├── Phase first [COMPLETE]",
        "      │  └── Step zookeeper (COMPLETE)",
        "      │     └── Instance test-zookeeper",
        "      │        └── Plan deploy (serial strategy) [COMPLETE]",
        "      │           └── Phase main [COMPLETE]",
        "      │              └── Step run (COMPLETE)",
        "      └── Phase second [COMPLETE]",
        "         └── Step end (COMPLETE)",
    ]
    (listed,) = (await recorded(installer)).phases[0].steps[0].children
    assert (listed.instance, listed.plan, listed.status) == ("test-zookeeper", "deploy", None)
    described = await client.get_workflow_handle("default/test-zookeeper").describe()
    assert described.parent_id == "default/test/first"


async def test_unchanged_child_runs_no_plan(installer: Installer) -> None:
    package = parent(installer)
    child(package)
    await (await installer.deploy(package)).outcome()
    before = await recorded(installer, instance="test-zookeeper")
    assert (await (await installer.start()).outcome()).complete
    assert (await recorded(installer, instance="test-zookeeper")).uid == before.uid


async def change_parameters(installer: Installer, instance: str, **parameters: str) -> str | None:
    wanted = await check_update(installer.session, instance, parameters)
    await write_change(installer.cluster, wanted)
    if wanted.plan:
        await clear_pending_plan(installer.cluster, installer.session.request(instance, wanted.plan))
    return wanted.plan


async def test_parameter_change_of_parent_updates_child(installer: Installer) -> None:
    package = parent(installer)
    child(package, update=plan(phase("again", ("run", ["config"]))))
    await (await installer.deploy(package)).outcome()
    await change_parameters(installer, "test-zookeeper", OTHER="by hand")
    assert await change_parameters(installer, "test", SIZE="large") == "deploy"
    assert (await (await installer.start()).outcome()).complete
    assert await config_value(installer) == "from test large"
    assert (await recorded(installer, "update", "test-zookeeper")).status is ExecutionStatus.COMPLETE
    # As in KUDO, parameters that are not in the parameter file keep their values.
    assert (await get_instance(installer)).strings("spec", "parameters") == {
        "VALUE": "from test large",
        "OTHER": "by hand",
    }


async def upgrade(installer: Installer, package: Path) -> None:
    """Upgrade the parent to version 2.0.0 of its package, which contains the current package of its child."""
    content = yaml.load((package / "operator.yaml").read_text())
    assert isinstance(content, dict)
    (package / "operator.yaml").write_text(yaml.dump({**content, "operatorVersion": "2.0.0"}))
    await installer.install_package(package)
    found = await get_instance(installer, "test")
    await installer.cluster.patch(found.ref, {"spec": {"operatorVersion": {"name": "kafka-2.0.0"}}})


async def test_child_is_upgraded_with_its_parent(installer: Installer) -> None:
    package = parent(installer)
    child(package)
    await (await installer.deploy(package)).outcome()
    child(package, version="1.1.0", upgrade=plan(phase("up", ("run", ["config"]))))
    await upgrade(installer, package)
    assert (await (await installer.start()).outcome()).complete
    assert (await get_instance(installer)).text("spec", "operatorVersion", "name") == "zookeeper-1.1.0"
    assert (await recorded(installer, "upgrade", "test-zookeeper")).status is ExecutionStatus.COMPLETE


async def test_failed_child_fails_its_parent(installer: Installer, client: Client) -> None:
    package = parent(installer)
    child(package, dummy("broken", wantErr=True, fatal=True))
    run = await installer.deploy(package)
    outcome = await run.outcome()
    text = "The plan deploy of the instance test-zookeeper failed: The Dummy task broken failed, as specified (fatal)."
    assert (outcome.failure, outcome.message) == ("DummyTaskError", text)
    lines = tree(await run.current())
    assert lines[2:10] == [
        "      ├── Phase first [FATAL_ERROR]",
        "      │  └── Step zookeeper (FATAL_ERROR)",
        f"      │     ├── {text}",
        "      │     └── Instance test-zookeeper",
        "      │        └── Plan deploy (serial strategy) [FATAL_ERROR]",
        "      │           └── Phase main [FATAL_ERROR]",
        "      │              └── Step run (FATAL_ERROR)",
        "      │                 └── The Dummy task broken failed, as specified (fatal).",
    ]
    assert set((await workflow_statuses(client)).values()) == {WorkflowExecutionStatus.FAILED}
    assert (await get_instance(installer)).annotations["kudo.dev/pending-plan"] == "deploy"


async def test_resume_of_parent_resumes_child(installer: Installer) -> None:
    package = parent(installer)
    steps = (step("before", "config"), step("hold", approval=True), step("after", "done"))
    child(
        package,
        apply("config", "config.yaml"),
        dummy("done", done=True),
        deploy=plan(phase("main", *steps)),
    )
    run = await installer.deploy(package)
    await until_waiting(installer, run)
    await installer.plans.decide(NAMESPACE, "test-zookeeper", Approval(by="ann"), approved=False)
    assert (await run.outcome()).failure == "ApprovalRefused"
    first = (await recorded(installer, instance="test-zookeeper")).phases[0].steps[0]
    resumed = await installer.start(resume=True)
    await until_waiting(installer, resumed)
    await installer.plans.decide(NAMESPACE, "test-zookeeper", Approval(by="ann"), approved=True)
    assert (await resumed.outcome()).complete
    assert (await recorded(installer, instance="test-zookeeper")).phases[0].steps[0].start_time == first.start_time


async def until_waiting(installer: Installer, run: Run) -> None:
    """Wait until the child waits for an approval."""

    async def is_waiting() -> bool:
        return any("WAITING_APPROVAL" in line for line in tree(await run.current()))

    await until(is_waiting)


async def test_cancel_of_parent_cancels_child(installer: Installer, client: Client) -> None:
    package = parent(installer)
    child(package, apply("slow", "slow.yaml"))
    run = await installer.deploy(package)
    await until(lambda: installer.get("apps/v1", "Deployment", "test-zookeeper"))
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    assert (await run.outcome()).status.status is ExecutionStatus.CANCELLED
    assert (await recorded(installer, instance="test-zookeeper")).status is ExecutionStatus.CANCELLED
    assert set((await workflow_statuses(client)).values()) == {WorkflowExecutionStatus.CANCELED}
    # The next run of the plan continues with the child.
    again = await installer.start()
    await roll_out(installer.cluster, "test-zookeeper")
    assert (await again.outcome()).complete


async def test_cancel_of_child_fails_its_parent(installer: Installer) -> None:
    package = parent(installer)
    child(package, apply("slow", "slow.yaml"))
    run = await installer.deploy(package)
    await until(lambda: installer.get("apps/v1", "Deployment", "test-zookeeper"))
    await installer.plans.cancel(NAMESPACE, "test-zookeeper", "")
    outcome = await run.outcome()
    assert outcome.failure == "PlanCancelled"
    assert outcome.message == (
        "The plan deploy of the instance test-zookeeper was cancelled on its own. "
        "Cancel the plan of its parent instead."
    )


async def test_pause_of_parent_pauses_child(installer: Installer) -> None:
    package = parent(installer)
    child(
        package,
        apply("slow", "slow.yaml"),
        dummy("done", done=True),
        deploy=plan(phase("m", ("a", ["slow"]), ("b", ["done"]))),
    )
    run = await installer.deploy(package)
    await until(lambda: installer.get("apps/v1", "Deployment", "test-zookeeper"))
    await installer.plans.pause(NAMESPACE, "test", "")

    async def paused_child() -> PlanStatus | None:
        found = [child.status for child in (await run.current()).phases[0].steps[0].children]
        return found[0] if found and found[0] is not None and found[0].paused else None

    async def finished() -> bool:
        return [part.status for part in (await until(paused_child)).phases[0].steps] == ["COMPLETE", "PENDING"]

    await until(paused_child)
    await roll_out(installer.cluster, "test-zookeeper")
    await until(finished)
    await asyncio.sleep(1)
    assert await finished()
    await installer.plans.unpause(NAMESPACE, "test", "")
    assert (await run.outcome()).complete


async def test_parent_waits_for_other_plan_of_child(installer: Installer) -> None:
    package = parent(installer)
    child(package, apply("config", "config.yaml"), hold=plan(phase("m", step("wait", approval=True))))
    await (await installer.deploy(package)).outcome()
    by_hand = await installer.start("test-zookeeper", "hold")
    await until_step(by_hand, ExecutionStatus.WAITING_APPROVAL)
    await change_parameters(installer, "test", SIZE="large")
    run = await installer.start()

    async def refusal_is_shown() -> bool:
        refusal = "The plan hold of the instance test-zookeeper in the namespace default is running since"
        return any(refusal in step.message for _, step in (await run.status()).failed_steps())

    await until(refusal_is_shown)
    await installer.plans.decide(NAMESPACE, "test-zookeeper", Approval(by="ann"), approved=True)
    assert (await run.outcome()).complete
    assert await config_value(installer) == "from test large"


async def test_timeout_of_task_cancels_child(installer: Installer) -> None:
    package = parent(
        installer,
        tasks=[{**operator("bounded"), "timeout": "10s"}],
        plans={"deploy": plan(phase("a", ("b", ["bounded"])))},
    )
    child(package, apply("slow", "slow.yaml"))
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "TimedOut"
    assert outcome.message == (
        "The task bounded did not complete within its timeout of 10s. "
        "Last state: the plan deploy of test-zookeeper was running"
    )
    assert (await recorded(installer, instance="test-zookeeper")).status is ExecutionStatus.CANCELLED


async def test_grandchildren_are_deployed_and_uninstalled(installer: Installer, client: Client) -> None:
    package = parent(installer)
    middle = child(package, operator("disk", "./disk", instanceName="store"))
    child(middle, name="disk")
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.complete, outcome
    assert await config_value(installer, "store") == "own"
    (owner,) = (await get_instance(installer, "store")).children("metadata", "ownerReferences")
    assert owner.text("name") == "test-zookeeper"
    async for _ in uninstall(installer.session, "test", skip_cleanup=True):
        pass
    assert await installer.get(API_VERSION, "Instance", "store") is None


@pytest.mark.parametrize(
    ("file", "failure", "words"),
    [
        ("- a\n", "InvalidParams", "The parameter file templates/child.yaml must be a YAML map of names and values."),
        ("NONE: 1\n", "InvalidParams", "NONE"),
        ("VALUE: {{ Params.NONE }}\n", "TaskRenderingError", "NONE"),
        ("VALUE: {{ PlanName }}\n", "TaskRenderingError", "PlanName"),
    ],
)
async def test_invalid_parameter_file_fails_parent(installer: Installer, file: str, failure: str, words: str) -> None:
    package = parent(installer)
    child(package)
    (package / "templates" / "child.yaml").write_text(file)
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == failure
    assert words in outcome.message
    assert await installer.get(API_VERSION, "Instance", "test-zookeeper") is None


async def test_instance_of_other_operator_is_not_adopted(installer: Installer) -> None:
    await (await installer.deploy(child(installer.directory, name="other"), "test-zookeeper")).outcome()
    package = parent(installer)
    child(package)
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "RequestError"
    assert (
        outcome.message
        == "The instance test-zookeeper in the namespace default belongs to the operator other, not to zookeeper."
    )


async def test_instance_of_other_owner_is_not_adopted(installer: Installer) -> None:
    package = parent(installer, instanceName="shared")
    child(package)
    await (await installer.deploy(package)).outcome()
    outcome = await (await installer.deploy(package, "second")).outcome()
    assert (
        outcome.message == "The instance shared in the namespace default belongs to the instance test, not to second."
    )


async def test_instance_cannot_be_its_own_child(installer: Installer) -> None:
    package = write_package(
        installer.directory,
        name="zookeeper",
        tasks=[operator(package="./zookeeper", instanceName="test")],
        plans={"deploy": plan(phase("a", ("b", ["zookeeper"])))},
    )
    child(package, version="2.0.0")
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.message == "The instance test in the namespace default would be its own child."


async def test_parent_and_child_report_events(installer: Installer) -> None:
    package = parent(installer)
    child(package)
    await (await installer.deploy(package)).outcome()
    assert await events(installer) == {("Normal", "PlanStarted"), ("Normal", "PlanFinished")}


@pytest.mark.only_on("sandbox", "it tests the workflows, not the cluster")
async def test_cancel_while_child_starts_cancels_both(installer: Installer, client: Client) -> None:
    package = parent(installer)
    child(package, dummy("never"))
    for number in range(10):
        name = f"test-{number}"
        run = await installer.deploy(package, name)
        await asyncio.sleep(0.1 + 0.05 * number)
        await installer.plans.cancel(NAMESPACE, name, "")
        outcome = await asyncio.wait_for(run.outcome(), 30)
        assert outcome.status.status is ExecutionStatus.CANCELLED
        try:
            described = await client.get_workflow_handle(f"default/{name}-zookeeper").describe()
        except RPCError:
            continue  # The child had not started.
        assert described.status is WorkflowExecutionStatus.CANCELED


async def test_change_of_immutable_parameter_of_child_is_refused(installer: Installer) -> None:
    package = parent(installer)
    params = child(package) / "params.yaml"
    params.write_text(params.read_text().replace("default: own", "default: own\n  immutable: true"))
    await (await installer.deploy(package)).outcome()
    await change_parameters(installer, "test", SIZE="large")
    outcome = await (await installer.start()).outcome()
    assert outcome.message == "VALUE cannot be changed once an instance is installed."
    assert await config_value(installer) == "from test small"


async def test_timeout_of_child_does_not_count_paused_time(installer: Installer) -> None:
    bounded = {**operator("bounded"), "timeout": "8s"}
    package = parent(installer, tasks=[bounded], plans={"deploy": plan(phase("a", ("b", ["bounded"])))})
    child(package, apply("slow", "slow.yaml"))
    run = await installer.deploy(package)
    await until(lambda: installer.get("apps/v1", "Deployment", "test-zookeeper"))
    await installer.plans.pause(NAMESPACE, "test", "")
    await asyncio.sleep(9)
    await roll_out(installer.cluster, "test-zookeeper")
    await installer.plans.unpause(NAMESPACE, "test", "")
    assert (await run.outcome()).complete


async def test_failed_upgrade_of_child_is_retried_by_next_run(installer: Installer) -> None:
    """The next run of the parent retries it, although a changed parameter triggers another plan."""
    package = parent(installer)
    child(package)
    await (await installer.deploy(package)).outcome()
    fails = plan(phase("up", ("a", ["broken"])))
    broken = dummy("broken", wantErr=True, fatal=True)
    child(package, apply("config", "config.yaml"), broken, version="2.0.0", upgrade=fails, update=fails)
    await upgrade(installer, package)
    text = "The plan upgrade of the instance test-zookeeper failed: The Dummy task broken failed, as specified (fatal)."
    assert (await (await installer.start()).outcome()).message == text
    await change_parameters(installer, "test", SIZE="large")
    assert (await (await installer.start()).outcome()).message == text


async def test_uninstall_of_parent_runs_cleanup_of_children(installer: Installer) -> None:
    """KUDO's finalizer, which its manager would remove, does not block the uninstall."""
    package = parent(installer)
    child(package, cleanup=plan(phase("bye", ("a", ["config"]))))
    await (await installer.deploy(package)).outcome()
    for name in ("test", "test-zookeeper"):
        found = await get_instance(installer, name)
        await installer.cluster.patch(found.ref, {"metadata": {"finalizers": ["kudo.dev.instance.cleanup"]}})
    result = await kudo("uninstall", "--instance", "test")
    assert (result.status, result.err) == (0, "")
    assert "The plan cleanup of the instance test-zookeeper has started." in result.out
    assert "The plan cleanup is COMPLETE." in result.out
    assert await installer.get(API_VERSION, "Instance", "test") is None
    assert await installer.get(API_VERSION, "Instance", "test-zookeeper") is None


async def test_instance_that_was_made_by_hand_is_a_child_only_with_consent(installer: Installer) -> None:
    package = parent(installer)
    await (await installer.deploy(child(package), "test-zookeeper")).outcome()
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "ForeignObject"
    assert "was not made by the instance test, so it is not changed." in outcome.message
    command = "kubectl annotate instances.kudo.dev test-zookeeper kudo.dev/adopt=test --namespace default"
    assert f"`{command}`" in outcome.message
    ref = instance_ref(NAMESPACE, "test-zookeeper")
    await installer.cluster.patch(ref, {"metadata": {"annotations": {"kudo.dev/adopt": "test"}}})
    assert (await (await installer.start("test")).outcome()).complete
