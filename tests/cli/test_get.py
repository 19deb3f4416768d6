"""`kudo get operators`, `operatorversions` and `all`; `instances` is tested with the other commands."""

import json
from pathlib import Path
from unittest.mock import ANY

import pytest
from support.command import kudo
from support.plans import Installer, dummy, phase, plan, write_package

from kudo.model.resources import API_VERSION
from kudo.packages import read_package
from kudo.rollout import wait_until_gone


async def delete_and_wait(installer: Installer, kind: str, name: str) -> None:
    """Delete an object, and wait until it is gone."""
    found = await installer.get(API_VERSION, kind, name)
    assert found is not None
    await installer.cluster.delete(found.ref)
    await wait_until_gone(installer.cluster, [found], lambda _: None)


@pytest.fixture
async def installed(installer: Installer, tmp_path: Path) -> Installer:
    """Two instances of one operator, and another operator without any."""
    for name, instances in (("kafka", ("events", "audit")), ("redis", ())):
        root = write_package(
            tmp_path / name,
            name=name,
            tasks=[dummy("done", done=True)],
            plans={"deploy": plan(phase("main", ("a", ["done"])))},
        )
        await installer.install(root, "it" if not instances else instances[0])
        for instance in instances[1:]:
            await installer.install(root, instance)
        if not instances:
            await delete_and_wait(installer, "Instance", "it")
        assert read_package(root).operator.name == name
    return installer


@pytest.mark.usefixtures("installed")
async def test_operators_and_operator_versions_are_listed() -> None:
    operators = await kudo("get", "operators")
    assert [line.split()[:2] for line in operators.out.splitlines()[1:]] == [["kafka", ANY], ["redis", ANY]]
    assert operators.out.splitlines()[0].split() == ["NAME", "DESCRIPTION", "AGE"]
    versions = await kudo("get", "operatorversions")
    assert [line.split() for line in versions.out.splitlines()] == [
        ["NAME", "OPERATOR", "VERSION", "APP-VERSION", "AGE"],
        ["kafka-1.0.0", "kafka", "1.0.0", ANY],
        ["redis-1.0.0", "redis", "1.0.0", ANY],
    ]
    everywhere = await kudo("get", "operatorversions", "-A")
    assert everywhere.out.splitlines()[0].split() == ["NAMESPACE", "NAME", "OPERATOR", "VERSION", "APP-VERSION", "AGE"]
    assert everywhere.out.splitlines()[1].split()[:2] == ["default", "kafka-1.0.0"]
    wide = await kudo("get", "instances", "-o", "wide")
    header = ["NAME", "OPERATOR-VERSION", "LAST", "PLAN", "STATUS", "AGE", "UPDATED", "MESSAGE"]
    assert wide.out.splitlines()[0].split() == header


async def test_get_all_prints_tree(installed: Installer) -> None:
    assert (await kudo("get", "all")).out.splitlines() == [
        "├── kafka",
        "│  └── kafka-1.0.0",
        "│     ├── audit",
        "│     └── events",
        "└── redis",
        "   └── redis-1.0.0",
    ]
    await delete_and_wait(installed, "OperatorVersion", "kafka-1.0.0")
    lines = (await kudo("get", "all")).out.splitlines()
    assert lines[-2:] == ["├── Instance audit", "└── Instance events"]
    listed = await kudo("get", "all", "-o", "json")
    kinds = [item["kind"] for item in json.loads(listed.out)]
    assert kinds == ["Operator", "Operator", "OperatorVersion", "Instance", "Instance"]


@pytest.mark.usefixtures("cluster", "client")
async def test_empty_namespace_is_reported() -> None:
    for resource in ("operators", "operatorversions", "all"):
        missing = "operators" if resource == "all" else resource
        assert (await kudo("get", resource)).out == f"There are no {missing} in the namespace default.\n"
