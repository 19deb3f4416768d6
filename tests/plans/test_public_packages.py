"""Packages of the public operator collection, the examples and `kudo package new`, from install to COMPLETE."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.outcomes import until_step
from support.plans import NAMESPACE, Installer

from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus
from kudo.packages import read_package, write_skeleton

ROOT = Path(__file__).parents[2]
OPERATORS = Path(os.environ.get("KUDO_OPERATORS", ROOT.parent / "shared" / "operators"))
"""Some packages of https://github.com/kudobuilder/operators; set the variable to try a checkout of all of them."""

PACKAGES = sorted(
    path.parent.relative_to(OPERATORS) for path in OPERATORS.glob("**/operator.yaml") if "docs" not in path.parts
)

pytestmark = pytest.mark.usefixtures("worker")

needs_operators = pytest.mark.skipif(
    not OPERATORS.is_dir(), reason=f"the packages of the public operator collection are not at {OPERATORS}"
)

OWNED_OBJECTS = {
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


async def owned_objects(installer: Installer) -> set[str]:
    """Return the objects that the Instance owns, as `KIND/NAME`."""
    return {
        f"{kind}/{item.name}"
        for kind, api_version in KINDS.items()
        for item in await installer.cluster.list(api_version, kind, NAMESPACE, "kudo.dev/instance=test")
        if any(owner.text("kind") == "Instance" for owner in item.children("metadata", "ownerReferences"))
    }


def copy_with_current_api_versions(directory: Path, operator: str) -> Path:
    """Copy a package, and replace the API versions that current clusters no longer serve."""
    copy = Path(shutil.copytree(OPERATORS / operator, directory / operator))
    for template in (copy / "templates").iterdir():
        template.write_text(template.read_text().replace("policy/v1beta1", "policy/v1"))
    return copy


@needs_operators
@pytest.mark.parametrize("operator", ["first-operator", "mysql", "cowsay"])
async def test_public_package_is_deployed(installer: Installer, operator: str) -> None:
    outcome = await (await installer.deploy(OPERATORS / operator)).outcome()
    assert outcome.complete, outcome.message
    assert await owned_objects(installer) == OWNED_OBJECTS[operator]


@needs_operators
@pytest.mark.only_on("sandbox", "Kubernetes has served no policy/v1beta1 since 1.25")
@pytest.mark.parametrize("operator", ["zookeeper", "redis"])
async def test_public_package_for_old_clusters_is_deployed(installer: Installer, operator: str) -> None:
    outcome = await (await installer.deploy(OPERATORS / operator)).outcome()
    assert outcome.complete, outcome.message
    assert await owned_objects(installer) == OWNED_OBJECTS[operator]


@needs_operators
@pytest.mark.only_on("control-plane", "the sandbox serves policy/v1beta1")
@pytest.mark.parametrize("operator", ["zookeeper", "redis"])
async def test_public_package_with_removed_api_version_fails(installer: Installer, operator: str) -> None:
    outcome = await (await installer.deploy(OPERATORS / operator)).outcome()
    assert outcome.failure == "KindServedElsewhere"
    assert outcome.message.endswith(
        "does not serve PodDisruptionBudget of policy/v1beta1; it serves PodDisruptionBudget in policy/v1, "
        "so change the apiVersion in the package, or install it with --rewrite-api-versions"
    )


@needs_operators
@pytest.mark.only_on("control-plane", "containers of the sandbox create no Secret that others mount, as in spark")
@pytest.mark.parametrize("operator", PACKAGES, ids=str)
async def test_public_package_with_rewritten_api_versions_is_deployed(installer: Installer, operator: Path) -> None:
    outcome = await (await replace(installer, rewrite_api_versions=True).deploy(OPERATORS / operator)).outcome()
    assert outcome.complete, outcome.message


@needs_operators
@pytest.mark.parametrize("operator", ["zookeeper", "redis"])
async def test_public_package_with_current_api_versions_is_deployed(installer: Installer, operator: str) -> None:
    package = copy_with_current_api_versions(installer.directory, operator)
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.complete, outcome.message
    assert await owned_objects(installer) == OWNED_OBJECTS[operator]


ALL_OPTIONS = {
    "ENABLE_CRUISE_CONTROL": "true",
    "KAFKA_CONNECT_ENABLED": "true",
    "EXTERNAL_ADVERTISED_LISTENER": "true",
    "MIRROR_MAKER_ENABLED": "true",
    "RUN_USER_WORKLOAD": "true",
    "TRANSPORT_ENCRYPTION_ENABLED": "true",
    "USE_AUTO_TLS_CERTIFICATE": "true",
}
"""Parameters that enable every option of kafka, the largest of the packages."""


@needs_operators
async def test_kafka_package_with_all_options_is_deployed(installer: Installer) -> None:
    package = copy_with_current_api_versions(installer.directory, "kafka")
    outcome = await (await installer.deploy(package, **ALL_OPTIONS)).outcome()
    assert outcome.complete, outcome.message


NEVER_DONE = ("zookeeper", "not-allowed")
"""A plan for changes that the author does not allow: it never completes and has to be cancelled."""


@needs_operators
@pytest.mark.only_on("sandbox", "the API versions that Kubernetes removed are tested above")
@pytest.mark.parametrize("operator", sorted(path.parent.name for path in OPERATORS.glob("*/operator.yaml")))
async def test_every_plan_of_public_package_completes(installer: Installer, operator: str) -> None:
    await installer.install(OPERATORS / operator)
    for plan in read_package(OPERATORS / operator).operator.plans:
        run = await installer.start(plan=plan)
        if (operator, plan) == NEVER_DONE:
            await until_step(run, ExecutionStatus.IN_PROGRESS)
            await installer.plans.cancel(NAMESPACE, "test", "")
        outcome = await run.outcome()
        assert outcome.complete or (operator, plan) == NEVER_DONE, outcome.message


@needs_operators
async def test_backup_and_restore_of_public_package_complete(installer: Installer) -> None:
    await (await installer.deploy(OPERATORS / "mysql")).outcome()
    for plan in ("backup", "restore"):
        outcome = await (await installer.start(plan=plan)).outcome()
        assert outcome.complete, outcome.message
    assert await owned_objects(installer) == {*OWNED_OBJECTS["mysql"], "PersistentVolumeClaim/test-backup-pv"}


async def test_every_plan_of_valkey_example_completes(installer: Installer) -> None:
    await installer.install(ROOT / "examples" / "valkey", EXPORTER="true")
    for plan in ("deploy", "update", "backup", "restore", "backup"):
        run = await installer.start(plan=plan)
        if plan == "restore":
            await until_step(run, ExecutionStatus.WAITING_APPROVAL)
            await installer.plans.decide(NAMESPACE, "test", Approval(by="ann"), approved=True)
        outcome = await run.outcome()
        assert outcome.complete, outcome.message
    assert await owned_objects(installer) == {
        "ConfigMap/test-config",
        "Service/test",
        "StatefulSet/test",
        "Deployment/test-exporter",
        "PersistentVolumeClaim/test-backups",
    }
    assert (await (await installer.start(plan="cleanup")).outcome()).complete
    assert "PersistentVolumeClaim/test-backups" not in await owned_objects(installer)


async def test_new_package_is_deployed(installer: Installer) -> None:
    write_skeleton("shop", installer.directory / "shop")
    outcome = await (await installer.deploy(installer.directory / "shop", GREETING="moin")).outcome()
    assert outcome.complete, outcome.message
    config = await installer.get("v1", "ConfigMap", "test-config")
    assert config is not None
    assert config.text("data", "greeting") == "moin"


async def test_guestbook_example_is_deployed(installer: Installer) -> None:
    assert (await (await installer.deploy(ROOT / "examples" / "guestbook")).outcome()).complete
    page = await installer.get("v1", "ConfigMap", "test-page")
    assert page is not None
    assert page.text("data", "index.html") == (
        "<h1>Hello from KUDO on Temporal</h1>\n<ul>\n  <li>Ada</li>\n  <li>Grace</li>\n</ul>\n"
    )
