"""A plan changes and deletes only what was made for its Instance."""

from pathlib import Path

import pytest
from support.command import kudo
from support.plans import NAMESPACE, Content, Installer, apply, delete, phase, plan, write_package

from kudo.kubernetes import Cluster
from kudo.model.annotations import ADOPT, INSTANCE
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef

pytestmark = pytest.mark.usefixtures("worker")

FIXED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\ndata: {by: {{ Name }}}\n"

REF = ObjectRef("v1", "ConfigMap", NAMESPACE, "fixed")


def package_of(directory: Path, template: str, *tasks: Content) -> Path:
    return write_package(
        directory,
        tasks=list(tasks) or [apply("main", "a.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["main"])))},
        templates={"a.yaml": template},
    )


def by_hand(**metadata: Manifest) -> Object:
    return Object.of("v1", "ConfigMap", {"name": "fixed", "namespace": NAMESPACE, **metadata}, data={"by": "hand"})


async def data(cluster: Cluster) -> dict[str, str]:
    live = await cluster.get(REF)
    return live.strings("data") if live else {}


async def test_object_of_another_instance_is_not_taken_over(installer: Installer, cluster: Cluster) -> None:
    package = package_of(installer.directory, FIXED)
    assert (await (await installer.deploy(package, "one")).outcome()).complete
    outcome = await (await installer.deploy(package, "two")).outcome()
    message = outcome.status.phases[0].steps[0].message
    assert outcome.status.status == "FATAL_ERROR"
    assert message.startswith("ConfigMap default/fixed belongs to the instance one, so the instance two neither")
    assert "`kubectl annotate configmap fixed kudo.dev/adopt=two --namespace default`" in message
    assert await data(cluster) == {"by": "one"}
    assert (await kudo("uninstall", "--instance", "two")).status == 0
    assert await data(cluster) == {"by": "one"}


@pytest.mark.parametrize("task", [apply("main", "a.yaml"), delete("main", "a.yaml")])
@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({}, "was not made by this instance"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "was not made by this instance"),
        ({"annotations": {"meta.helm.sh/release-name": "web"}}, "belongs to the Helm release web"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "belongs to the Kustomization apps of Flux"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:v1/x"}}, "belongs to the Argo CD application shop"),
        ({"labels": {INSTANCE: "other"}, "annotations": {ADOPT: "third"}}, "belongs to the instance other"),
        ({"labels": {INSTANCE: "other"}, "annotations": {ADOPT: "true"}}, "belongs to the instance other"),
    ],
)
async def test_object_of_somebody_else_is_neither_changed_nor_deleted(
    installer: Installer, cluster: Cluster, metadata: Manifest, owner: str, task: Content
) -> None:
    await cluster.create(by_hand(**metadata))
    outcome = await (await installer.deploy(package_of(installer.directory, FIXED, task))).outcome()
    assert outcome.status.status == "FATAL_ERROR"
    assert f"ConfigMap default/fixed {owner}, so" in outcome.message
    assert await data(cluster) == {"by": "hand"}


@pytest.mark.parametrize(("consent", "labels"), [("true", {}), ("test", {}), ("test", {INSTANCE: "other"})])
async def test_annotated_object_is_adopted(
    installer: Installer, cluster: Cluster, consent: str, labels: Manifest
) -> None:
    await cluster.create(by_hand(annotations={ADOPT: consent}, labels=labels))
    assert (await (await installer.deploy(package_of(installer.directory, FIXED))).outcome()).complete
    assert await data(cluster) == {"by": "test"}


async def test_package_may_adopt_what_no_instance_owns(installer: Installer, cluster: Cluster) -> None:
    await cluster.create(by_hand(annotations={"meta.helm.sh/release-name": "web"}))
    template = FIXED.replace("{name: fixed}", '{name: fixed, annotations: {kudo.dev/adopt: "true"}}')
    assert (await (await installer.deploy(package_of(installer.directory, template), "one")).outcome()).complete
    assert await data(cluster) == {"by": "one"}
    live = await cluster.get(REF)
    assert live is not None
    assert ADOPT not in live.annotations


@pytest.mark.parametrize("task", [apply("main", "a.yaml"), delete("main", "a.yaml")])
async def test_namespace_of_others_is_left_alone(installer: Installer, cluster: Cluster, task: Content) -> None:
    await cluster.create(Object.of("v1", "Namespace", {"name": "other"}))
    template = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: other, annotations: {kudo.dev/adopt: "true"}}\n'
    outcome = await (await installer.deploy(package_of(installer.directory, template, task))).outcome()
    assert "Namespace other was not made by this instance" in outcome.message
    live = await cluster.get(ObjectRef("v1", "Namespace", "", "other"))
    assert live is not None
    assert INSTANCE not in live.labels


@pytest.mark.parametrize("kind", ["Instance", "OperatorVersion", "Operator"])
async def test_package_cannot_change_its_own_instance(installer: Installer, kind: str) -> None:
    name = {"Instance": "{{ Name }}", "OperatorVersion": "tested-1.0.0", "Operator": "tested"}[kind]
    template = f"apiVersion: kudo.dev/v1beta1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n"
    outcome = await (await installer.deploy(package_of(installer.directory, template))).outcome()
    assert outcome.status.status == "FATAL_ERROR"
    assert "was not made by this instance" in outcome.message


async def test_dry_run_reports_object_of_somebody_else(installer: Installer, cluster: Cluster) -> None:
    await cluster.create(by_hand())
    result = await kudo("install", package_of(installer.directory, FIXED), "--dry-run", "diff")
    assert result.status == 1
    assert "ConfigMap default/fixed: rejected: ConfigMap default/fixed was not made by this instance" in result.out
