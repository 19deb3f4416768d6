"""Objects of API versions that Kubernetes no longer serves."""

import asyncio
from pathlib import Path

from support.command import kudo
from support.plans import NAMESPACE, Installer, apply, phase, plan, write_package
from temporalio.client import Client

from kudo.instances.resources import find_operator_version
from kudo.kubernetes import Cluster
from kudo.worker import running

REMOVED = """
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: a}
spec: {backend: {serviceName: web, servicePort: 80}}
"""


def write_ingress_package(directory: Path) -> Path:
    return write_package(
        directory,
        tasks=[apply("ingress", "ingress.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["ingress"])))},
        templates={"ingress.yaml": REMOVED},
    )


async def test_kind_that_is_served_in_another_version_is_fatal_at_once(
    installer: Installer, client: Client, cluster: Cluster
) -> None:
    """A grace of a minute is for kinds that may still come."""
    package = write_ingress_package(installer.directory)
    async with running(client, cluster):
        outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), 40)
    assert outcome.status.status == "FATAL_ERROR"
    assert outcome.failure == "KindServedElsewhere"
    assert "it serves Ingress in networking.k8s.io/v1, so change the apiVersion in the package" in outcome.message


async def test_installed_with_the_option_the_kind_is_rewritten(
    installer: Installer, client: Client, cluster: Cluster
) -> None:
    package = write_ingress_package(installer.directory)
    async with running(client, cluster):
        installed = await kudo("install", str(package), "--instance", "a", "--rewrite-api-versions", "--wait")
        assert installed.status == 0, installed.err
        # The instances of a version share it, so the option holds for those that are installed without it.
        second = await kudo("install", str(package), "--skip-instance")
        assert second.status == 0, second.err
        version = await find_operator_version(cluster, NAMESPACE, "tested-1.0.0")
        assert version is not None
        assert version.spec.rewrite_api_versions
        assert (await kudo("plan", "trigger", "--instance", "a", "--name", "deploy", "--wait")).status == 0
    ingress = await installer.get("networking.k8s.io/v1", "Ingress", "a")
    assert ingress is not None
    assert ingress.child("spec", "defaultBackend").manifest == {"service": {"name": "web", "port": {"number": 80}}}
    preview = await kudo("render", str(package), "--rewrite-api-versions")
    assert "apiVersion: networking.k8s.io/v1\n" in preview.out
