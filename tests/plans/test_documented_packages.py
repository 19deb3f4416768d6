"""The examples of docs/packages.md work as documented, in both dialects."""

from pathlib import Path

import pytest
from support.documented import PAGE, tasks, write_documented_package
from support.plans import Installer

from kudo.model.package import DIALECTS
from kudo.model.resources import API_VERSION
from kudo.packages import PackageResolver
from kudo.verification import verify

KINDS = {"Apply", "Delete", "Toggle", "Pipe", "KudoOperator", "Dummy"}


def test_each_task_kind_has_an_example() -> None:
    assert {task["kind"] for task in tasks()} == KINDS
    for kind in KINDS:
        assert f"\n### {kind}\n" in PAGE


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_examples_form_a_valid_package(tmp_path: Path, dialect: str) -> None:
    with PackageResolver() as resolver:
        bundle = await resolver.resolve(str(write_documented_package(tmp_path, dialect)))
    assert [str(finding) for finding in await verify(bundle.package)] == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_examples_deploy_as_documented(installer: Installer, dialect: str) -> None:
    outcome = await (await installer.deploy(write_documented_package(installer.directory, dialect), "shop")).outcome()
    assert outcome.complete, outcome
    # The plan created the page, and then deleted it.
    assert await installer.get("v1", "ConfigMap", "shop-page") is None
    assert await installer.get("v1", "Service", "shop-metrics") is not None
    certificate = "shop.deploy.main.certificate.certificate.certificate"
    assert await installer.get("v1", "Secret", certificate) is not None
    user = await installer.get("v1", "ConfigMap", "shop-tls")
    child = await installer.get(API_VERSION, "Instance", "zk")
    assert user is not None
    assert child is not None
    assert user.text("data", "certificate") == certificate
    assert child.strings("spec", "parameters") == {"GREETING": "from shop"}
