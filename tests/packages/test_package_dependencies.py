"""Dependencies of packages: resolution, checks and cycles."""

import tarfile
from pathlib import Path

import pytest
from support.plans import Content, dummy, no_repository, phase, plan, write_package

from kudo.errors import PackageError, RequestError
from kudo.model.tasks import KudoOperatorSpec, KudoOperatorTask
from kudo.packages import Bundle, Location, read_bundle, read_package


def package(directory: Path, name: str, *dependencies: Content, version: str = "1.0.0", app_version: str = "") -> Path:
    """Write a package with a KudoOperator task for each dependency."""
    children = [{"name": f"child-{n}", "kind": "KudoOperator", "spec": spec} for n, spec in enumerate(dependencies)]
    tasks = [*children, dummy("done", done=True)]
    return write_package(
        directory,
        name=name,
        operatorVersion=version,
        **({"appVersion": app_version} if app_version else {}),
        tasks=tasks,
        plans={"deploy": plan(phase("main", ("a", [str(task["name"]) for task in tasks])))},
    )


async def read(root: Path) -> Bundle:
    return await read_bundle(Location(root), no_repository)


def names(bundle: Bundle) -> list[str]:
    return [found.operator_version_name for found in bundle.packages]


def specs(bundle: Bundle) -> list[KudoOperatorSpec]:
    return [task.spec for task in bundle.package.operator.tasks if isinstance(task, KudoOperatorTask)]


async def test_package_without_dependencies_is_bundled_alone(tmp_path: Path) -> None:
    root = package(tmp_path, "alone")
    assert await read(root) == Bundle(read_package(root), ())


async def test_dependencies_come_first_and_tasks_get_their_versions(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "./zookeeper"}, {"package": "../shared"})
    package(root, "zookeeper", {"package": "../../shared"}, app_version="3.9")
    package(tmp_path, "shared", version="0.2.0")
    bundle = await read(root)
    assert names(bundle) == ["shared-0.2.0", "zookeeper-3.9-1.0.0", "kafka-1.0.0"]
    assert specs(bundle) == [
        KudoOperatorSpec(package="zookeeper", operator_version="1.0.0", app_version="3.9"),
        KudoOperatorSpec(package="shared", operator_version="0.2.0"),
    ]


@pytest.mark.parametrize("subfolder", ["", "deep/"])
async def test_dependency_within_an_archive_is_found(tmp_path: Path, subfolder: str) -> None:
    root = package(tmp_path, "kafka", {"package": f"./{subfolder}zookeeper"})
    package(root / subfolder, "zookeeper")
    archive = tmp_path / "kafka.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(root, arcname=".")
    assert await read(archive) == await read(root)


async def test_dependency_that_is_an_archive_is_found(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "./zookeeper.tgz"})
    with tarfile.open(root / "zookeeper.tgz", "w:gz") as file:
        file.add(package(tmp_path, "zookeeper"), arcname=".")
    assert names(await read(root)) == ["zookeeper-1.0.0", "kafka-1.0.0"]


async def test_path_out_of_the_archive_is_refused(tmp_path: Path) -> None:
    package(tmp_path, "zookeeper")
    archive = tmp_path / "kafka.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(package(tmp_path, "kafka", {"package": "../zookeeper"}), arcname=".")
    with pytest.raises(PackageError, match=r"\.\./zookeeper points outside the archive"):
        await read(archive)


async def test_dependency_cycle_is_refused(tmp_path: Path) -> None:
    root = package(tmp_path, "a", {"package": "../b"})
    package(tmp_path, "b", {"package": "../c"})
    package(tmp_path, "c", {"package": "../b"})
    with pytest.raises(PackageError) as raised:
        await read(root)
    assert str(raised.value) == (
        "The package a-1.0.0 has a problem:\n  - its dependencies form a cycle: b-1.0.0 needs c-1.0.0 needs b-1.0.0"
    )


async def test_package_that_depends_on_itself_is_refused(tmp_path: Path) -> None:
    root = package(tmp_path, "a", {"package": "../a"})
    with pytest.raises(PackageError, match=r"a-1\.0\.0 needs a-1\.0\.0"):
        await read(root)


async def test_dependency_of_another_version_is_refused(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "../zookeeper", "operatorVersion": "2.0.0"})
    package(tmp_path, "zookeeper")
    with pytest.raises(PackageError) as raised:
        await read(root)
    assert raised.value.problems == (
        "operator.yaml: tasks.child-0.spec.operatorVersion: ../zookeeper has version 1.0.0, not 2.0.0",
    )


async def test_different_packages_of_one_name_and_version_are_refused(tmp_path: Path) -> None:
    root = package(tmp_path, "kafka", {"package": "../x/zookeeper"}, {"package": "../y/zookeeper"})
    package(tmp_path / "x", "zookeeper")
    package(tmp_path / "y", "zookeeper", {"package": "../../done"})
    package(tmp_path, "done")
    with pytest.raises(PackageError, match=r"kafka-1\.0\.0 depends on another package with the name zookeeper-1\.0\.0"):
        await read(root)


async def test_missing_dependency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no such file or directory"):
        await read(package(tmp_path, "kafka", {"package": "../zookeeper"}))


async def test_name_is_not_resolved_as_a_path(tmp_path: Path) -> None:
    package(tmp_path, "zookeeper")
    with pytest.raises(RequestError, match="zookeeper is in no repository"):
        await read(package(tmp_path, "kafka", {"package": "zookeeper"}))
