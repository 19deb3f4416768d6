"""Packages that need others: where they are found, what is said of them, and circles."""

import tarfile
from pathlib import Path

import pytest
from support.plans import Content, dummy, no_repository, phase, plan, write_package

from kudo.errors import PackageError, RequestError
from kudo.model.tasks import KudoOperatorSpec, KudoOperatorTask
from kudo.packages import Bundle, Location, read_bundle, read_package


def package(directory: Path, name: str, *needed: Content, version: str = "1.0.0", app_version: str = "") -> Path:
    """A package with a task for each package that it needs."""
    tasks = [{"name": f"child-{n}", "kind": "KudoOperator", "spec": spec} for n, spec in enumerate(needed)]
    done = [*tasks, dummy("done", done=True)]
    return write_package(
        directory,
        name=name,
        operatorVersion=version,
        **({"appVersion": app_version} if app_version else {}),
        tasks=done,
        plans={"deploy": plan(phase("main", ("a", [str(t["name"]) for t in done])))},
    )


async def read(root: Path) -> Bundle:
    return await read_bundle(Location(root), no_repository)


def names(bundle: Bundle) -> list[str]:
    return [found.operator_version_name for found in bundle.packages]


def specs(bundle: Bundle) -> list[KudoOperatorSpec]:
    return [task.spec for task in bundle.package.operator.tasks if isinstance(task, KudoOperatorTask)]


async def test_a_package_that_needs_none(tmp_path: Path) -> None:
    root = package(tmp_path, "alone")
    assert await read(root) == Bundle(read_package(root), ())


async def test_what_is_needed_comes_first_and_is_named(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "./zookeeper"}, {"package": "../shared"})
    package(root, "zookeeper", {"package": "../../shared"}, app_version="3.9")
    package(tmp_path, "shared", version="0.2.0")
    bundle = await read(root)
    assert names(bundle) == ["shared-0.2.0", "zookeeper-3.9-1.0.0", "kafka-1.0.0"]
    assert specs(bundle) == [
        KudoOperatorSpec(package="zookeeper", operator_version="1.0.0", app_version="3.9"),
        KudoOperatorSpec(package="shared", operator_version="0.2.0"),
    ]


@pytest.mark.parametrize("below", ["", "deep/"])
async def test_an_archive_in_an_archive_s_folder(tmp_path: Path, below: str) -> None:
    root = package(tmp_path, "kafka", {"package": f"./{below}zookeeper"})
    package(root / below, "zookeeper")
    archive = tmp_path / "kafka.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(root, arcname=".")
    assert await read(archive) == await read(root)


async def test_an_archive_beside_a_directory(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "./zookeeper.tgz"})
    with tarfile.open(root / "zookeeper.tgz", "w:gz") as file:
        file.add(package(tmp_path, "zookeeper"), arcname=".")
    assert names(await read(root)) == ["zookeeper-1.0.0", "kafka-1.0.0"]


async def test_a_path_that_leads_out_of_an_archive(tmp_path: Path) -> None:
    package(tmp_path, "zookeeper")
    archive = tmp_path / "kafka.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(package(tmp_path, "kafka", {"package": "../zookeeper"}), arcname=".")
    with pytest.raises(PackageError, match=r"\.\./zookeeper points outside the archive"):
        await read(archive)


async def test_a_circle_is_named(tmp_path: Path) -> None:
    root = package(tmp_path, "a", {"package": "../b"})
    package(tmp_path, "b", {"package": "../c"})
    package(tmp_path, "c", {"package": "../b"})
    with pytest.raises(PackageError) as raised:
        await read(root)
    assert str(raised.value) == (
        "The package a-1.0.0 has a problem:\n  - its dependencies form a cycle: b-1.0.0 needs c-1.0.0 needs b-1.0.0"
    )


async def test_a_package_that_needs_itself(tmp_path: Path) -> None:
    root = package(tmp_path, "a", {"package": "../a"})
    with pytest.raises(PackageError, match=r"a-1\.0\.0 needs a-1\.0\.0"):
        await read(root)


async def test_another_version_than_is_wanted(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "../zookeeper", "operatorVersion": "2.0.0"})
    package(tmp_path, "zookeeper")
    with pytest.raises(PackageError) as raised:
        await read(root)
    assert raised.value.problems == (
        "operator.yaml: tasks.child-0.spec.operatorVersion: ../zookeeper has version 1.0.0, not 2.0.0",
    )


async def test_two_packages_of_one_name(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "../x/zookeeper"}, {"package": "../y/zookeeper"})
    package(tmp_path / "x", "zookeeper")
    package(tmp_path / "y", "zookeeper", {"package": "../../done"})
    package(tmp_path, "done")
    with pytest.raises(PackageError, match=r"kafka-1\.0\.0 depends on another package with the name zookeeper-1\.0\.0"):
        await read(root)


async def test_a_package_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no such file or directory"):
        await read(package(tmp_path, "kafka", {"package": "../zookeeper"}))


async def test_a_name_is_never_a_path(tmp_path: Path) -> None:
    package(tmp_path, "zookeeper")
    with pytest.raises(RequestError, match="zookeeper is in no repository"):
        await read(package(tmp_path, "kafka", {"package": "zookeeper"}))
