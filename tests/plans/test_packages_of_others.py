"""Packages that nobody here wrote, our examples, and what `kudo package new` writes, from install to COMPLETE."""

import shutil
from pathlib import Path

import pytest
from support.outcomes import until_step
from support.plans import NAMESPACE, Installer

from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus
from kudo.packages import read_package, write_skeleton

ROOT = Path(__file__).parents[2]
OPERATORS = ROOT.parent / "shared" / "operators"

pytestmark = pytest.mark.usefixtures("worker")

needs_operators = pytest.mark.skipif(
    not OPERATORS.is_dir(), reason=f"the packages of the public operator collection are not at {OPERATORS}"
)

MADE = {
    "first-operator": {"Deployment/nginx-deployment"},
    "zookeeper": {
        "ConfigMap/test-bootstrap",
        "ConfigMap/test-healthcheck",
        "Service/test-hs",
        "Service/test-cs",
        "PodDisruptionBudget/test-pdb",
        "StatefulSet/test-zookeeper",
    },
    "cowsay": {"ConfigMap/test.deploy.main.genfiles.genwww.indexhtml", "Deployment/test-deployment"},
    "mysql": {"Service/test-svc", "PersistentVolumeClaim/test-pv", "Deployment/test"},
    "redis": {
        "ConfigMap/test-redis",
        "Service/test-redis-svc",
        "PodDisruptionBudget/test-redis-pdb",
        "StatefulSet/test-redis",
        "Job/deploy-test-redis-job",
    },
}

KINDS = {
    "ConfigMap": "v1",
    "Service": "v1",
    "PersistentVolumeClaim": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "PodDisruptionBudget": "policy/v1",
}


async def made(installer: Installer) -> set[str]:
    """What the Instance owns."""
    return {
        f"{kind}/{item.name}"
        for kind, api_version in KINDS.items()
        for item in await installer.cluster.list(api_version, kind, NAMESPACE, "kudo.dev/instance=test")
        if any(owner.text("kind") == "Instance" for owner in item.children("metadata", "ownerReferences"))
    }


def brought_up_to_date(directory: Path, operator: str) -> Path:
    """A copy of a package with what today's clusters demand."""
    copy = Path(shutil.copytree(OPERATORS / operator, directory / operator))
    for template in (copy / "templates").iterdir():
        template.write_text(template.read_text().replace("policy/v1beta1", "policy/v1"))
    return copy


@needs_operators
@pytest.mark.parametrize("operator", ["first-operator", "mysql", "cowsay"])
async def test_deploy_of_a_public_package(installer: Installer, operator: str) -> None:
    outcome = await (await installer.deploy(OPERATORS / operator)).outcome()
    assert outcome.complete, outcome.message
    assert await made(installer) == MADE[operator]


@needs_operators
@pytest.mark.only_on("sandbox", "Kubernetes has served no policy/v1beta1 since 1.25")
@pytest.mark.parametrize("operator", ["zookeeper", "redis"])
async def test_deploy_of_a_public_package_for_old_clusters(installer: Installer, operator: str) -> None:
    outcome = await (await installer.deploy(OPERATORS / operator)).outcome()
    assert outcome.complete, outcome.message
    assert await made(installer) == MADE[operator]


@needs_operators
@pytest.mark.only_on("control-plane", "the sandbox serves policy/v1beta1")
@pytest.mark.parametrize("operator", ["zookeeper", "redis"])
async def test_a_public_package_names_a_kind_that_has_moved(installer: Installer, operator: str) -> None:
    outcome = await (await installer.deploy(OPERATORS / operator)).outcome()
    assert outcome.failure == "KindNotFound"
    assert outcome.message.endswith(
        "serves no PodDisruptionBudget of policy/v1beta1; it serves PodDisruptionBudget of policy/v1, "
        "so the package has to be changed"
    )


@needs_operators
@pytest.mark.parametrize("operator", ["zookeeper", "redis"])
async def test_deploy_of_a_public_package_brought_up_to_date(installer: Installer, operator: str) -> None:
    package = brought_up_to_date(installer.directory, operator)
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.complete, outcome.message
    assert await made(installer) == MADE[operator]


EVERYTHING = {
    "ENABLE_CRUISE_CONTROL": "true",
    "KAFKA_CONNECT_ENABLED": "true",
    "EXTERNAL_ADVERTISED_LISTENER": "true",
    "MIRROR_MAKER_ENABLED": "true",
    "RUN_USER_WORKLOAD": "true",
    "TRANSPORT_ENCRYPTION_ENABLED": "true",
    "USE_AUTO_TLS_CERTIFICATE": "true",
}
"""The parameters with which the largest of the packages makes everything that it can."""


@needs_operators
async def test_all_that_the_largest_public_package_can_make(installer: Installer) -> None:
    package = brought_up_to_date(installer.directory, "kafka")
    outcome = await (await installer.deploy(package, **EVERYTHING)).outcome()
    assert outcome.complete, outcome.message


NEVER_DONE = ("zookeeper", "not-allowed")
"""A plan that stands for what its author does not allow: it waits until somebody cancels it."""


@needs_operators
@pytest.mark.only_on("sandbox", "what Kubernetes has dropped since is tested above")
@pytest.mark.parametrize("operator", sorted(path.parent.name for path in OPERATORS.glob("*/operator.yaml")))
async def test_every_plan_of_every_public_package(installer: Installer, operator: str) -> None:
    await installer.install(OPERATORS / operator)
    for plan in read_package(OPERATORS / operator).operator.plans:
        run = await installer.start(plan=plan)
        if (operator, plan) == NEVER_DONE:
            await until_step(run, ExecutionStatus.IN_PROGRESS)
            await installer.plans.cancel(NAMESPACE, "test", "")
        outcome = await run.outcome()
        assert outcome.complete or (operator, plan) == NEVER_DONE, outcome.message


@needs_operators
async def test_backup_of_a_public_package(installer: Installer) -> None:
    await (await installer.deploy(OPERATORS / "mysql")).outcome()
    for plan in ("backup", "restore"):
        outcome = await (await installer.start(plan=plan)).outcome()
        assert outcome.complete, outcome.message
    assert await made(installer) == {*MADE["mysql"], "PersistentVolumeClaim/test-backup-pv"}


async def test_every_plan_of_the_example_with_state(installer: Installer) -> None:
    await installer.install(ROOT / "examples" / "valkey", EXPORTER="true")
    for plan in ("deploy", "update", "backup", "restore", "backup"):
        run = await installer.start(plan=plan)
        if plan == "restore":
            await until_step(run, ExecutionStatus.WAITING_APPROVAL)
            await installer.plans.decide(NAMESPACE, "test", Approval(by="ann"), approved=True)
        outcome = await run.outcome()
        assert outcome.complete, outcome.message
    assert await made(installer) == {
        "ConfigMap/test-config",
        "Service/test",
        "StatefulSet/test",
        "Deployment/test-exporter",
        "PersistentVolumeClaim/test-backups",
    }
    assert (await (await installer.start(plan="cleanup")).outcome()).complete
    assert "PersistentVolumeClaim/test-backups" not in await made(installer)


async def test_a_new_package(installer: Installer) -> None:
    write_skeleton("shop", installer.directory / "shop")
    outcome = await (await installer.deploy(installer.directory / "shop", GREETING="moin")).outcome()
    assert outcome.complete, outcome.message
    config = await installer.get("v1", "ConfigMap", "test-config")
    assert config is not None
    assert config.text("data", "greeting") == "moin"


async def test_the_smallest_example(installer: Installer) -> None:
    assert (await (await installer.deploy(ROOT / "examples" / "guestbook")).outcome()).complete
    page = await installer.get("v1", "ConfigMap", "test-page")
    assert page is not None
    assert page.text("data", "index.html") == (
        "<h1>Hello from KUDO on Temporal</h1>\n<ul>\n  <li>Ada</li>\n  <li>Grace</li>\n</ul>\n"
    )
