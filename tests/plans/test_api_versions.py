"""Objects of API versions that Kubernetes no longer serves."""

import asyncio

from support.plans import Installer, apply, phase, plan, write_package
from temporalio.client import Client

from kudo.kubernetes import Cluster
from kudo.worker import running

REMOVED = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\nspec: {}\n"


async def test_kind_that_is_served_in_another_version_is_fatal_at_once(
    installer: Installer, client: Client, cluster: Cluster
) -> None:
    """A grace of a minute is for kinds that may still come."""
    package = write_package(
        installer.directory,
        tasks=[apply("ingress", "ingress.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["ingress"])))},
        templates={"ingress.yaml": REMOVED},
    )
    async with running(client, cluster):
        outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), 40)
    assert outcome.status.status == "FATAL_ERROR"
    assert outcome.failure == "KindServedElsewhere"
    assert "it serves Ingress in networking.k8s.io/v1, so change the apiVersion in the package" in outcome.message
