"""Pods restart when the objects that they use have changed, and only then."""

import pytest
from support.plans import NAMESPACE, Content, Installer, apply, phase, plan, write_package

pytestmark = pytest.mark.usefixtures("worker")

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ Name }}-config
data:
  size: {{ Params.SIZE }}
"""

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: {{ Name }}-secret
  annotations: {{ Params.SECRET_ANNOTATIONS }}
stringData:
  password: {{ Params.PASSWORD }}
"""

SERVER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ Name }}
spec:
  selector:
    matchLabels:
      app: {{ Name }}
  template:
    metadata:
      labels:
        app: {{ Name }}
    spec:
      containers:
        - name: main
          image: busybox
          envFrom:
            - secretRef:
                name: {{ Name }}-secret
          volumeMounts:
            - name: config
              mountPath: /config
      volumes:
        - name: config
          configMap:
            name: {{ Name }}-config
"""

PARAMETERS: list[Content] = [
    {"name": "SIZE", "default": "small"},
    {"name": "PASSWORD", "default": "swordfish"},
    {"name": "SECRET_ANNOTATIONS", "default": "{}"},
]


@pytest.fixture
async def installed(installer: Installer) -> Installer:
    """An instance with a Deployment that is applied before its ConfigMap and Secret, or in a separate plan."""
    package = write_package(
        installer.directory,
        tasks=[
            apply("everything", "server.yaml", "config.yaml", "secret.yaml"),
            apply("config", "config.yaml", "secret.yaml"),
            apply("server", "server.yaml"),
        ],
        plans={
            "deploy": plan(phase("main", ("all", ["everything"]))),
            "config": plan(phase("main", ("config", ["config"]))),
            "server": plan(phase("main", ("server", ["server"]))),
        },
        params=PARAMETERS,
        templates={"config.yaml": CONFIG, "secret.yaml": SECRET, "server.yaml": SERVER},
    )
    await installer.install(package)
    return installer


async def pods_after(installer: Installer, name: str = "deploy", **parameters: str) -> set[str]:
    """Run a plan with parameters for this run, and return the UIDs of the pods that exist afterwards."""
    outcome = await (await installer.start(plan=name, parameters=parameters)).outcome()
    assert outcome.complete, outcome.message
    pods = await installer.cluster.list("v1", "Pod", NAMESPACE, "app=test")
    return {pod.uid for pod in pods if not pod.terminating}


async def test_unchanged_plans_restart_no_pods(installed: Installer) -> None:
    first = await pods_after(installed)
    assert len(first) == 1
    for name in ("deploy", "server", "config", "deploy"):
        assert await pods_after(installed, name) == first


@pytest.mark.parametrize("changed", [{"SIZE": "large"}, {"PASSWORD": "marlin"}])
async def test_changed_dependency_restarts_pods(installed: Installer, changed: dict[str, str]) -> None:
    first = await pods_after(installed)
    second = await pods_after(installed, "deploy", **changed)
    assert second
    assert not second & first
    assert await pods_after(installed, "deploy", **changed) == second


async def test_changed_dependency_restarts_pods_when_workload_is_applied(installed: Installer) -> None:
    first = await pods_after(installed)
    assert await pods_after(installed, "config", SIZE="large") == first
    assert not await pods_after(installed, "server") & first


async def test_dependency_that_skips_hash_restarts_no_pods(installed: Installer) -> None:
    skip = '{"kudo.dev/skip-hash-calculation": "true"}'
    first = await pods_after(installed, SECRET_ANNOTATIONS=skip)
    assert await pods_after(installed, SECRET_ANNOTATIONS=skip, PASSWORD="marlin") == first
