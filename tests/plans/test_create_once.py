"""Objects that are created once and kept."""

import base64

import pytest
from support.command import kudo
from support.plans import NAMESPACE, Installer, apply, phase, plan, write_package

from kudo.kubernetes import Cluster
from kudo.model.objects import Object, ObjectRef

pytestmark = pytest.mark.usefixtures("worker")

SECRET = """
apiVersion: v1
kind: Secret
metadata:
  name: {{ Name }}-password
  annotations: {kudo.dev/create-once: "true"}
stringData: {password: "{{ random_alphanumeric(24) }}"}
"""

USER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ Name }}"}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
      - {name: a, image: b, envFrom: [{secretRef: {name: "{{ Name }}-password"}}]}
"""


async def password(cluster: Cluster) -> str:
    secret = await cluster.get(ObjectRef("v1", "Secret", NAMESPACE, "test-password"))
    assert secret is not None
    return base64.b64decode(secret.text("data", "password")).decode()


async def deployment(cluster: Cluster) -> Object:
    found = await cluster.get(ObjectRef("apps/v1", "Deployment", NAMESPACE, "test"))
    assert found is not None
    return found


async def test_secret_is_created_once_and_restarts_no_pods(installer: Installer, cluster: Cluster) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("main", "secret.yaml", "user.yaml"), apply("user", "user.yaml")],
        plans={
            "deploy": plan(phase("main", ("a", ["main"]))),
            "update": plan(phase("main", ("a", ["user"]))),
        },
        templates={"secret.yaml": SECRET, "user.yaml": USER},
    )
    assert (await (await installer.deploy(package)).outcome()).complete
    first = await password(cluster)
    assert len(first) == 24
    template = (await deployment(cluster)).child("spec", "template").manifest
    for name in ("deploy", "update", "deploy"):
        preview = await kudo("plan", "trigger", "test", "--name", name, "--dry-run", "diff")
        assert preview.status == 0
        assert ": changed" not in preview.out
        assert (await (await installer.start(plan=name)).outcome()).complete
    assert await password(cluster) == first
    assert (await deployment(cluster)).child("spec", "template").manifest == template
