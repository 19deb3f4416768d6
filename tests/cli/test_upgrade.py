"""`kudo upgrade`: another version of a package for an instance."""

from pathlib import Path

import pytest
from support.command import kudo
from support.outcomes import recorded
from support.plans import CONFIG_MAP, Content, Installer, apply, phase, plan, write_package

from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus

pytestmark = pytest.mark.usefixtures("worker")

PARAMETERS: list[Content] = [
    {"name": "VALUE", "default": "x"},
    {"name": "FIXED", "default": "y", "immutable": True},
]


def package(directory: Path, version: str, *plans: str, parameters: list[Content] | None = None) -> Path:
    params = parameters or PARAMETERS
    text = "".join(f"{{{{ Params.{parameter['name']} }}}}" for parameter in params)
    return write_package(
        directory / version,
        name="shop",
        operatorVersion=version,
        tasks=[apply("config", "config.yaml")],
        plans={name: plan(phase("main", ("a", ["config"]))) for name in ("deploy", *plans)},
        params=params,
        templates={"config.yaml": CONFIG_MAP.replace("value", f"{version}-{text}")},
    )


@pytest.fixture
async def installed(installer: Installer, tmp_path: Path) -> Installer:
    outcome = await (await installer.deploy(package(tmp_path, "1.0.0"), VALUE="mine")).outcome()
    assert outcome.complete
    return installer


async def operator_version(installer: Installer) -> str:
    found = await installer.get(API_VERSION, "Instance", "test")
    return found.text("spec", "operatorVersion", "name") if found else ""


async def config_value(installer: Installer) -> str:
    found = await installer.get("v1", "ConfigMap", "test-config")
    return found.text("data", "key") if found else ""


@pytest.mark.parametrize(
    ("plans", "ran"), [(("upgrade", "update"), "upgrade"), (("update",), "update"), ((), "deploy")]
)
async def test_upgrade_runs_first_of_upgrade_update_deploy(
    installed: Installer, tmp_path: Path, plans: tuple[str, ...], ran: str
) -> None:
    result = await kudo("upgrade", package(tmp_path, "1.1.0", *plans), "--instance", "test", "--wait")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[:2] == [
        "The instance test was upgraded to shop-1.1.0.",
        f"The plan {ran} has started.",
    ]
    assert await operator_version(installed) == "shop-1.1.0"
    assert await config_value(installed) == "1.1.0-miney"
    assert (await recorded(installed, ran)).status is ExecutionStatus.COMPLETE


async def test_package_without_deploy_can_only_be_upgraded_to(installed: Installer, tmp_path: Path) -> None:
    new = package(tmp_path, "1.1.0", "upgrade")
    file = new / "operator.yaml"
    file.write_text(file.read_text().replace("deploy:", "other:"))
    refused = await kudo("install", new, "--instance", "second")
    assert (refused.status, refused.out) == (1, "")
    assert "The package shop-1.1.0 has no plan deploy, so no instance can be installed with it" in refused.err
    result = await kudo("upgrade", new, "--instance", "test", "--wait")
    assert result.status == 0
    assert (await recorded(installed, "upgrade")).status is ExecutionStatus.COMPLETE


async def test_upgrade_requires_new_parameters_and_drops_unknown_ones(installed: Installer, tmp_path: Path) -> None:
    new = package(tmp_path, "2.0.0", parameters=[{"name": "OTHER"}])
    missing = await kudo("upgrade", new, "--instance", "test")
    assert (missing.status, "OTHER" in missing.err) == (1, True)
    assert await operator_version(installed) == "shop-1.0.0"
    result = await kudo("upgrade", new, "--instance", "test", "-p", "OTHER=given", "--wait")
    assert "The new version does not define FIXED, VALUE; their values were removed from the instance." in result.out
    assert await config_value(installed) == "2.0.0-given"
    found = await installed.get(API_VERSION, "Instance", "test")
    assert found is not None
    assert found.strings("spec", "parameters") == {"OTHER": "given"}


async def test_invalid_upgrade_is_refused(installed: Installer, tmp_path: Path) -> None:
    same = await kudo("upgrade", tmp_path / "1.0.0" / "shop", "--instance", "test")
    assert same.err == (
        "Error: The instance test has the version 1.0.0, and the version 1.0.0 of the package is not newer. To apply a "
        "package whose content has changed, for development, use --force.\n"
    )
    other = write_package(tmp_path, tasks=[], plans={"deploy": plan(phase("a"))}, name="other")
    result = await kudo("upgrade", other, "--instance", "test")
    assert result.err == "Error: The instance test belongs to the operator shop, and the package to other.\n"
    fixed = await kudo("upgrade", package(tmp_path, "1.1.0"), "--instance", "test", "-p", "FIXED=z")
    assert fixed.err == "Error: FIXED cannot be changed once an instance is installed.\n"
    nobody = await kudo("upgrade", package(tmp_path, "1.2.0"), "--instance", "none")
    assert "There is no instance none in the namespace default." in nobody.err
    assert await operator_version(installed) == "shop-1.0.0"
    assert await installed.get(API_VERSION, "OperatorVersion", "shop-1.1.0") is None


async def test_upgrade_keeps_immutable_value_when_default_changes(installed: Installer, tmp_path: Path) -> None:
    found = await installed.get(API_VERSION, "Instance", "test")
    assert found is not None
    # As in KUDO, the Instance stores the default of an immutable parameter from the beginning.
    assert found.strings("spec", "parameters") == {"VALUE": "mine", "FIXED": "y"}
    await installed.cluster.patch(found.ref, {"spec": {"parameters": {"FIXED": None}}})
    new = package(tmp_path, "1.1.0", parameters=[PARAMETERS[0], {**PARAMETERS[1], "default": "other"}])
    assert (await kudo("upgrade", new, "--instance", "test", "--wait")).status == 0
    assert await config_value(installed) == "1.1.0-miney"


async def test_upgrade_requires_value_of_new_immutable_parameter(installed: Installer, tmp_path: Path) -> None:
    later = {"name": "LATER", "default": "z", "immutable": True}
    new = package(tmp_path, "1.1.0", parameters=[*PARAMETERS, later])
    result = await kudo("upgrade", new, "--instance", "test")
    assert result.err == "Error: Set LATER with -p: the new version does not allow changes of it later.\n"
    assert (await kudo("upgrade", new, "--instance", "test", "-p", "LATER=w", "--wait")).status == 0


async def test_upgrade_may_set_parameter_that_becomes_immutable(installed: Installer, tmp_path: Path) -> None:
    fixed = [{**PARAMETERS[0], "immutable": True, "default": "z"}, PARAMETERS[1], {"name": "SIZE", "default": "1"}]
    new = package(tmp_path, "1.1.0", parameters=fixed)
    result = await kudo("upgrade", new, "--instance", "test", "-p", "VALUE=other", "--wait")
    assert (result.status, result.err) == (0, "")
    assert await config_value(installed) == "1.1.0-othery1"


async def test_trigger_with_immutable_parameter_is_refused(installed: Installer) -> None:
    refused = await kudo("plan", "trigger", "--instance", "test", "--name", "deploy", "-p", "FIXED=z")
    assert refused.err == "Error: FIXED cannot be changed once an instance is installed.\n"
    outcome = await (await installed.start(parameters={"FIXED": "z"})).outcome()
    assert outcome.message == "FIXED cannot be changed once an instance is installed."
    assert await config_value(installed) == "1.0.0-miney"


async def test_same_version_with_other_content_is_applied_with_force(installed: Installer, tmp_path: Path) -> None:
    changed = package(tmp_path, "1.0.0")
    (changed / "templates" / "config.yaml").write_text(CONFIG_MAP.replace("value", "edited"))
    refused = await kudo("upgrade", changed, "--instance", "test")
    assert refused.status == 1
    assert "the version 1.0.0 of the package is not newer. To apply a package whose content has changed" in refused.err
    preview = await kudo("upgrade", changed, "--instance", "test", "--force", "--dry-run", "diff")
    assert "+  key: edited" in preview.out
    result = await kudo("upgrade", changed, "--instance", "test", "--force", "--wait")
    assert (result.status, result.err) == (0, "")
    assert await config_value(installed) == "edited"
    again = await kudo("upgrade", changed, "--instance", "test", "--force")
    assert again.out == "The package and the parameters of the instance test are unchanged, so no plan runs.\n"


async def test_older_version_is_applied_if_it_is_allowed(installed: Installer, tmp_path: Path) -> None:
    older = package(tmp_path, "0.9.0")
    for options in ((), ("--force",)):
        refused = await kudo("upgrade", older, "--instance", "test", *options)
        assert refused.status == 1
        assert "the version 0.9.0 of the package is older. Use --allow-downgrade" in refused.err
    assert (await kudo("upgrade", older, "--instance", "test", "--allow-downgrade", "--wait")).status == 0
    assert await operator_version(installed) == "shop-0.9.0"
    assert await config_value(installed) == "0.9.0-miney"


async def test_rollback_restores_version_and_parameters(installed: Installer, tmp_path: Path) -> None:
    nothing = await kudo("rollback", "--instance", "test")
    assert "The instance test in the namespace default has no earlier state to return to" in nothing.err
    broken = package(tmp_path, "1.1.0", parameters=[*PARAMETERS, {"name": "MORE", "default": "1"}])
    (broken / "templates" / "config.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '///'}\n")
    assert (await kudo("upgrade", broken, "--instance", "test", "-p", "VALUE=other", "--wait")).status == 1
    # A change of a failed state does not count as a state to return to.
    assert (await kudo("update", "--instance", "test", "-p", "MORE=2", "--wait")).status == 1
    preview = await kudo("rollback", "--instance", "test", "--dry-run", "diff")
    assert preview.status == 0
    result = await kudo("rollback", "--instance", "test", "--wait")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[0] == "The instance test was rolled back to shop-1.0.0 with its earlier parameters."
    assert await config_value(installed) == "1.0.0-miney"
    found = await installed.get(API_VERSION, "Instance", "test")
    assert found is not None
    assert found.strings("spec", "parameters") == {"VALUE": "mine", "FIXED": "y"}


async def test_rollback_of_parameters_runs_their_plan(installed: Installer) -> None:
    assert (await kudo("update", "--instance", "test", "-p", "VALUE=other", "--wait")).status == 0
    assert await config_value(installed) == "1.0.0-othery"
    assert (await kudo("rollback", "--instance", "test", "--wait")).status == 0
    assert await config_value(installed) == "1.0.0-miney"
    # The state before the rollback was COMPLETE as well, so a second one undoes the first.
    assert (await kudo("rollback", "--instance", "test", "--wait")).status == 0
    assert await config_value(installed) == "1.0.0-othery"


async def test_rollback_to_a_deleted_version_is_refused(installed: Installer, tmp_path: Path) -> None:
    assert (await kudo("upgrade", package(tmp_path, "1.1.0"), "--instance", "test", "--wait")).status == 0
    assert (await kudo("delete", "operatorversion", "shop-1.0.0")).status == 0
    refused = await kudo("rollback", "--instance", "test")
    assert refused.status == 1
    assert "The OperatorVersion shop-1.0.0 does not exist any more." in refused.err


async def test_operators_and_versions_are_deleted_when_nothing_uses_them(installed: Installer) -> None:
    unused = await kudo("delete", "operatorversion", "none")
    assert (
        "There is no OperatorVersion none in the namespace default. OperatorVersions in it: shop-1.0.0." in unused.err
    )
    used = await kudo("delete", "operatorversion", "shop-1.0.0")
    assert (used.status, used.err) == (
        1,
        "Error: The OperatorVersion shop-1.0.0 in the namespace default is used by test. Delete these first, with "
        "`kudo uninstall --instance NAME --namespace default`.\n",
    )
    assert "is used by shop-1.0.0" in (await kudo("delete", "operator", "shop")).err
    assert (await kudo("uninstall", "--instance", "test")).status == 0
    for kind, name in (("operatorversion", "shop-1.0.0"), ("operator", "shop")):
        deleted = await kudo("delete", kind, name)
        assert (deleted.status, deleted.err) == (0, "")
    assert await installed.get(API_VERSION, "Operator", "shop") is None
