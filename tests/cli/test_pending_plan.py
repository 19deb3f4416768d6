"""Changes whose plan was not started because the process died in between: the Instance keeps a pending plan."""

from pathlib import Path

import pytest
from support.command import kudo
from support.outcomes import recorded
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, no_repository, phase, plan, write_package

from kudo.instances.change import write_change
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus
from kudo.operations.install import apply_package, create_instance
from kudo.operations.update import check_update
from kudo.operations.upgrade import check_upgrade
from kudo.packages import Location, read_bundle

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_version(tmp_path, "1.0.0")


def write_version(directory: Path, version: str) -> Path:
    return write_package(
        directory / version,
        name="shop",
        operatorVersion=version,
        tasks=[apply("config", "config.yaml")],
        plans={name: plan(phase("main", ("a", ["config"]))) for name in ("deploy", "update", "upgrade")},
        params=[{"name": "SIZE", "default": "small"}],
        templates={"config.yaml": CONFIG_MAP.replace("value", version + " {{ Params.SIZE }}")},
    )


async def config_value(installer: Installer) -> str:
    found = await installer.get("v1", "ConfigMap", "test-config")
    return found.text("data", "key") if found else ""


async def pending_plan(installer: Installer) -> str:
    found = await installer.get(API_VERSION, "Instance", "test")
    assert found is not None
    return found.annotations.get("kudo.dev/pending-plan", "")


async def test_plan_of_interrupted_install_stays_pending(installer: Installer, package: Path) -> None:
    bundle = await read_bundle(Location(package), no_repository)
    await create_instance(installer.session, bundle, "test", {})
    refused_install = await kudo("install", package, "--instance", "test")
    assert refused_install.status == 1
    assert (
        "Its plan deploy is pending; run it with `kudo plan retry --instance test --namespace default`."
        in refused_install.err
    )
    updated = await kudo("update", "--instance", "test", "-p", "SIZE=large", "--wait")
    assert "The plan deploy has started." in updated.out
    assert (await config_value(installer), await pending_plan(installer)) == ("1.0.0 large", "")


async def test_successful_install_leaves_no_pending_plan(installer: Installer, package: Path) -> None:
    assert (await kudo("install", package, "--instance", "test", "--wait")).status == 0
    assert await pending_plan(installer) == ""


async def test_plan_of_interrupted_update_stays_pending(installer: Installer, package: Path) -> None:
    await (await installer.deploy(package)).outcome()
    await write_change(installer.cluster, await check_update(installer.session, "test", {"SIZE": "large"}))
    repeated_update = await kudo("update", "--instance", "test", "-p", "SIZE=large", "--wait")
    assert (repeated_update.status, "The plan update has started." in repeated_update.out) == (0, True), repeated_update
    assert (await config_value(installer), await pending_plan(installer)) == ("1.0.0 large", "")
    update_without_change = await kudo("update", "--instance", "test", "-p", "SIZE=large")
    assert update_without_change.out == "No parameter of the instance test changes, so no plan runs.\n"


async def test_plan_of_interrupted_upgrade_stays_pending(installer: Installer, package: Path, tmp_path: Path) -> None:
    await (await installer.deploy(package)).outcome()
    bundle = await read_bundle(Location(write_version(tmp_path, "1.1.0")), no_repository)
    change = await check_upgrade(installer.session, bundle, "test", {})
    await apply_package(installer.cluster, bundle, NAMESPACE)
    await write_change(installer.cluster, change)
    refused_upgrade = await kudo("upgrade", tmp_path / "1.1.0" / "shop", "--instance", "test")
    assert (
        "is not newer. Its plan upgrade is pending; run it with `kudo plan retry --instance test --namespace default`."
        in refused_upgrade.err
    )
    retried = await kudo("plan", "retry", "--instance", "test", "--wait")
    assert (retried.status, "The plan upgrade has started." in retried.out) == (0, True), retried
    assert (await recorded(installer, "upgrade")).status is ExecutionStatus.COMPLETE
    assert (await config_value(installer), await pending_plan(installer)) == ("1.1.0 small", "")


async def test_retry_without_history_requires_without_parameters(installer: Installer, tmp_path: Path) -> None:
    package = write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["config"])))},
        params=[{"name": "SIZE", "default": "Small_"}],
        templates={"config.yaml": CONFIG_MAP.replace("-config", "-{{ Params.SIZE }}")},
    )
    assert not (await (await installer.deploy(package)).outcome()).complete
    status = {"planStatus": {"deploy": {"uid": "00000000-0000-0000-0000-000000000000"}}}
    found = await installer.get(API_VERSION, "Instance", "test")
    assert found is not None
    await installer.cluster.patch(found.ref, {"status": status}, "status")
    for verb in ("retry", "resume"):
        refused = await kudo("plan", verb, "--instance", "test")
        assert refused.status == 1
        assert "Temporal no longer has the request that started the plan deploy of the instance test." in refused.err
    await installer.cluster.patch(found.ref, {"spec": {"parameters": {"SIZE": "small"}}})
    assert (await kudo("plan", "retry", "--instance", "test", "--without-parameters", "--wait")).status == 0
