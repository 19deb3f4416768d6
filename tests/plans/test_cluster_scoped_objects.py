"""Objects outside of the namespace of an Instance: which kinds are allowed, and what stays of them."""

import pytest
from support.command import kudo
from support.plans import Installer, apply, phase, plan, write_package
from temporalio.client import Client

from kudo.kubernetes import Cluster
from kudo.model.objects import ObjectRef
from kudo.worker import Settings, running

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ Name }}-reader"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""
REF = ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "", "test-reader")


@pytest.mark.parametrize(
    ("kinds", "allowed"),
    [
        ("*", True),
        ("ClusterRole.rbac.authorization.k8s.io, StorageClass.storage.k8s.io", True),
        ("StorageClass.storage.k8s.io", False),
        ("", False),
    ],
)
async def test_setting_limits_cluster_scoped_kinds(
    installer: Installer, client: Client, cluster: Cluster, kinds: str, allowed: bool
) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("role", "role.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["role"])))},
        templates={"role.yaml": ROLE},
    )
    async with running(client, cluster, settings=Settings(cluster_scoped_kinds=kinds)):
        outcome = await (await installer.deploy(package)).outcome()
    assert outcome.complete == allowed
    assert (await cluster.get(REF) is not None) == allowed
    if not allowed:
        (_, step) = outcome.status.failed_steps()[0]
        assert step.message == (
            "ClusterRole test-reader is refused: ClusterRole.rbac.authorization.k8s.io is not one of the "
            "cluster-scoped kinds that plans of this worker may write (KUDO_CLUSTER_SCOPED_KINDS)."
        )


@pytest.mark.usefixtures("worker")
async def test_cluster_scoped_objects_are_shown_before_the_install_and_after_the_uninstall(
    installer: Installer, cluster: Cluster
) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("role", "role.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["role"])))},
        templates={"role.yaml": ROLE},
    )
    installed = await kudo("install", package, "--instance", "test", "--wait")
    assert installed.out.splitlines()[0] == "The package has templates of cluster-scoped objects: ClusterRole."
    removed = await kudo("uninstall", "--instance", "test")
    assert (removed.status, removed.err) == (0, "")
    assert removed.out.splitlines() == [
        "These cluster-scoped objects of the instance stay, because others may use them:",
        "  kubectl delete clusterrole.rbac.authorization.k8s.io test-reader",
        "The instance test was deleted.",
    ]
    assert await cluster.get(REF) is not None
