"""A plan writes to the namespace of its instance alone, whatever its package contains."""

import pytest
from support.plans import Installer, apply, delete, phase, plan, write_package

from kudo.errors import ResourceValidationError
from kudo.kubernetes import Cluster
from kudo.model.objects import Object, ObjectRef

pytestmark = pytest.mark.usefixtures("worker")

OTHER = "other"

LYING_DEFINITION = """\
---
apiVersion: {api_version}
kind: CustomResourceDefinition
metadata:
  name: configmaps
spec:
  group: {group}
  scope: Cluster
  names: {{kind: ConfigMap, plural: configmaps}}
  versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]
"""

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: shared
  namespace: other
data: {a: changed}
"""

CRD = "apiextensions.k8s.io/v1"

LISTED = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: shared, namespace: other}
    data: {a: changed}
"""


@pytest.fixture
async def foreign(cluster: Cluster) -> ObjectRef:
    """A ConfigMap in another namespace."""
    await cluster.apply(Object.of("v1", "Namespace", {"name": OTHER}))
    item = Object.of("v1", "ConfigMap", {"name": "shared", "namespace": OTHER}, data={"a": "original"})
    return (await cluster.apply(item)).ref


TEMPLATES = {
    "plain": CONFIG_MAP,
    "list": LISTED,
    "definition without a group": CONFIG_MAP + LYING_DEFINITION.format(api_version=CRD, group='""'),
    "definition of a fake kind": CONFIG_MAP + LYING_DEFINITION.format(api_version="example.com/v1", group='""'),
    "definition of the core version": CONFIG_MAP + LYING_DEFINITION.format(api_version="v1", group='""'),
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("kind", [apply, delete])
async def test_object_of_another_namespace_is_left_alone(
    installer: Installer, cluster: Cluster, foreign: ObjectRef, template: str, kind: object
) -> None:
    task = kind("main", "a.yaml")  # type: ignore[operator]
    package = write_package(
        installer.directory,
        tasks=[task],
        plans={"deploy": plan(phase("main", ("a", ["main"])))},
        templates={"a.yaml": template},
    )
    await (await installer.deploy(package)).outcome()
    live = await cluster.get(foreign)
    assert live is not None
    assert live.manifest["data"] == {"a": "original"}


@pytest.mark.parametrize(
    "api_version", ["../api/v1", "v1/namespaces/other", "apps/v1/../../api/v1", "v1?x=y", "v1#", "apps//v1", "é/v1"]
)
async def test_api_version_that_is_a_path_is_refused(installer: Installer, api_version: str) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("main", "a.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["main"])))},
        templates={"a.yaml": f'apiVersion: "{api_version}"\nkind: ConfigMap\nmetadata: {{name: a}}\n'},
    )
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.status.status == "FATAL_ERROR"
    assert "is not an apiVersion" in outcome.message


async def test_confined_cluster_refuses_other_namespaces(cluster: Cluster, foreign: ObjectRef) -> None:
    confined = cluster.within("default")
    outside = Object.of("v1", "ConfigMap", {"name": "shared", "namespace": OTHER}, data={})
    nowhere = Object.of("v1", "ConfigMap", {"name": "shared"})
    unnamed = Object.of("v1", "ConfigMap", {"name": "", "namespace": "default"})
    for item in (outside, nowhere, unnamed):
        for call in (
            confined.apply(item),
            confined.dry_run_apply(item),
            confined.create(item),
            confined.get(item.ref),
            confined.delete(item.ref),
            confined.patch(item.ref, {"data": {"a": "changed"}}),
            confined.execute(item.ref._replace(kind="Pod"), "main", ["true"], 10),
        ):
            with pytest.raises(ResourceValidationError, match="is refused"):
                await call
    live = await cluster.get(foreign)
    assert live is not None
    assert live.manifest["data"] == {"a": "original"}
    assert await confined.get(ObjectRef("v1", "Namespace", "", OTHER)) is not None
