"""`kudo install --create-namespace`."""

from pathlib import Path

import pytest
from support.command import kudo
from support.plans import CONFIG_MAP, apply, phase, plan, write_package

from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.objects import Object, ObjectRef
from kudo.model.resources import API_VERSION

pytestmark = pytest.mark.usefixtures("worker")

MANIFEST = """\
apiVersion: v1
kind: Namespace
metadata:
  name: whatever
  labels:
    team: {{ Params.TEAM }}
    instance: {{ Name }}
"""

FRESH = ObjectRef("v1", "Namespace", "", "fresh")


def package(directory: Path, manifest: str = "", name: str = "namespace.yaml") -> Path:
    root = write_package(
        directory,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("config", ["config"])))},
        params=[{"name": "TEAM", "default": "blue"}],
        templates={"config.yaml": CONFIG_MAP, **({"namespace.yaml": manifest} if manifest else {})},
    )
    if manifest:
        content = yaml.load((root / "operator.yaml").read_text())
        assert isinstance(content, dict)
        (root / "operator.yaml").write_text(yaml.dump({**content, "namespaceManifest": name}))
    return root


async def install(root: Path, name: str, *options: str) -> tuple[int, str]:
    result = await kudo("install", root, "--instance", name, "-n", "fresh", "--wait", *options)
    return result.status, result.out if result.status == 0 else result.err


async def fresh_namespace(cluster: Cluster) -> Object:
    namespace = await cluster.get(FRESH)
    assert namespace is not None
    return namespace


async def test_install_into_missing_namespace_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    status, output = await install(package(tmp_path), "mine")
    assert (status, output) == (1, "Error: There is no namespace fresh. Create it with --create-namespace.\n")
    assert await cluster.get(FRESH) is None


async def test_namespace_is_created_once(tmp_path: Path, cluster: Cluster) -> None:
    root = package(tmp_path)
    status, output = await install(root, "one", "--create-namespace")
    assert (status, output.splitlines()[0]) == (0, "The namespace fresh was created.")
    before = await fresh_namespace(cluster)
    status, output = await install(root, "two", "--create-namespace")
    assert (status, "was created" in output) == (0, False)
    assert (await fresh_namespace(cluster)).uid == before.uid
    configs = await cluster.list("v1", "ConfigMap", "fresh", "heritage=kudo")
    assert sorted(config.name for config in configs) == ["one-config", "two-config"]


async def test_namespace_is_created_from_manifest_of_package(tmp_path: Path, cluster: Cluster) -> None:
    status, output = await install(package(tmp_path, MANIFEST), "mine", "--create-namespace", "-p", "TEAM=red")
    assert status == 0, output
    labels = (await fresh_namespace(cluster)).labels
    assert (labels["team"], labels["instance"]) == ("red", "mine")
    assert await cluster.get(ObjectRef("v1", "Namespace", "", "whatever")) is None


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (CONFIG_MAP, "templates/namespace.yaml is the namespaceManifest, and must be exactly one Namespace."),
        (
            f"{MANIFEST}---\n{MANIFEST}",
            "templates/namespace.yaml is the namespaceManifest, and must be exactly one Namespace",
        ),
        (MANIFEST.replace("TEAM", "TAME"), "templates/namespace.yaml:6: "),
    ],
)
async def test_namespace_manifest_with_other_content_is_refused(
    tmp_path: Path, cluster: Cluster, manifest: str, words: str
) -> None:
    status, output = await install(package(tmp_path, manifest), "mine", "--create-namespace")
    assert status == 1
    assert words in output
    assert await cluster.get(FRESH) is None
    assert not await cluster.list(API_VERSION, "Operator")


async def test_missing_namespace_manifest_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    status, output = await install(package(tmp_path, MANIFEST, "nowhere.yaml"), "mine", "--create-namespace")
    assert status == 1
    assert "operator.yaml: namespaceManifest: there is no template templates/nowhere.yaml" in output


async def test_namespace_is_created_for_package_without_instance(tmp_path: Path, cluster: Cluster) -> None:
    result = await kudo("install", package(tmp_path), "-n", "fresh", "--skip-instance", "--create-namespace")
    assert (result.status, result.err) == (0, "")
    versions = await cluster.list(API_VERSION, "OperatorVersion", "fresh")
    assert [version.name for version in versions] == ["tested-1.0.0"]
