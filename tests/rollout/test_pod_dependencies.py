"""ConfigMaps and Secrets that pods depend on, and the hash of their content."""

import copy

import pytest

from kudo.model.annotations import DEPENDENCIES_HASH
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef
from kudo.rollout.dependency_hashes import dependencies, set_hash

CONFIG = ObjectRef("v1", "ConfigMap", "streams", "config")
SECRET = ObjectRef("v1", "Secret", "streams", "password")


def workload(kind: str = "Deployment", **spec: object) -> Object:
    template: Manifest = {
        "metadata": {"annotations": {}},
        "spec": {"containers": [{"name": "main", "image": "busybox"}], **spec},
    }
    specs: Manifest = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    version = "batch/v1" if kind.endswith("Job") else "apps/v1"
    return Object.of(version, kind, {"name": "web", "namespace": "streams"}, spec=specs)


def container(**fields: object) -> list[Manifest]:
    return [{"name": "main", "image": "busybox", **fields}]


def content(ref: ObjectRef, annotations: Manifest | None = None, **data: str) -> Object:
    metadata: Manifest = {"name": ref.name, "annotations": annotations or {}}
    return Object.of(ref.api_version, ref.kind, metadata, data=data)


def hash_of(item: Object, contents: dict[ObjectRef, Object | None]) -> str | None:
    hashed = Object(copy.deepcopy(item.manifest))
    set_hash(hashed, contents)
    return hashed.child("spec", "template", "metadata").strings("annotations").get(DEPENDENCIES_HASH)


MOUNTED = workload(volumes=[{"name": "a", "configMap": {"name": "config"}}])


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"volumes": [{"name": "a", "configMap": {"name": "config"}}]}, CONFIG),
        ({"volumes": [{"name": "a", "secret": {"secretName": "password"}}]}, SECRET),
        ({"volumes": [{"name": "a", "projected": {"sources": [{"configMap": {"name": "config"}}]}}]}, CONFIG),
        ({"volumes": [{"name": "a", "projected": {"sources": [{"secret": {"name": "password"}}]}}]}, SECRET),
        ({"imagePullSecrets": [{"name": "password"}]}, SECRET),
        ({"containers": container(envFrom=[{"configMapRef": {"name": "config"}}])}, CONFIG),
        ({"containers": container(envFrom=[{"secretRef": {"name": "password"}}])}, SECRET),
        (
            {"containers": container(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "config"}}}])},
            CONFIG,
        ),
        (
            {"initContainers": container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "password"}}}])},
            SECRET,
        ),
    ],
)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob"])
def test_dependencies_of_a_pod_template_are_found(kind: str, spec: Manifest, found: ObjectRef) -> None:
    assert dependencies(workload(kind, **spec)) == [found]


@pytest.mark.parametrize(
    "item",
    [
        workload(),
        workload("Job", volumes=[{"name": "a", "configMap": {"name": "config"}}]),
        workload(volumes=[{"name": "a", "emptyDir": {}}], containers=container(env=[{"name": "A", "value": "b"}])),
        Object.of("v1", "ConfigMap", {"name": "config"}, data={"a": "b"}),
    ],
)
def test_object_without_dependencies_has_none(item: Object) -> None:
    assert dependencies(item) == []


def test_dependencies_are_unique_and_sorted() -> None:
    volumes = [{"name": str(n), "configMap": {"name": name}} for n, name in enumerate(["b", "a", "b"])]
    volumes.append({"name": "s", "secret": {"secretName": "a"}})
    found = dependencies(workload(volumes=volumes))
    assert [(ref.kind, ref.name) for ref in found] == [("ConfigMap", "a"), ("ConfigMap", "b"), ("Secret", "a")]


def test_hash_depends_on_content_only() -> None:
    baseline = hash_of(MOUNTED, {CONFIG: content(CONFIG, a="1", b="2")})
    assert baseline
    assert hash_of(MOUNTED, {CONFIG: content(CONFIG, {"kudo.dev/plan": "other"}, b="2", a="1")}) == baseline
    others = [content(CONFIG, a="1"), content(CONFIG, a="2", b="1"), content(CONFIG, a="1", b="2", c=""), None]
    assert len({hash_of(MOUNTED, {CONFIG: other}) for other in others} | {baseline}) == len(others) + 1


def test_dependency_with_skip_annotation_is_not_hashed() -> None:
    skipped = content(SECRET, {"kudo.dev/skip-hash-calculation": "true"}, a="1")
    assert hash_of(MOUNTED, {SECRET: skipped}) is None
    config: dict[ObjectRef, Object | None] = {CONFIG: content(CONFIG, a="1")}
    assert hash_of(MOUNTED, {**config, SECRET: skipped}) == hash_of(MOUNTED, config)
