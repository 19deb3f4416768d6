"""Clearing the pending plan of an Instance that somebody else changes at the same time."""

import pytest
from support.plans import NAMESPACE, Installer, dummy, phase, plan, write_package

from kudo.instances.pending_plan import clear_pending_plan, pending_plan, pending_plan_metadata
from kudo.instances.resources import instance_ref, read_instance
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.objects import Object, ObjectRef

INSTANCE = instance_ref(NAMESPACE, "test")


@pytest.mark.parametrize(
    ("change", "pending"),
    [({"metadata": {"labels": {"team": "one"}}}, ""), ({"spec": {"parameters": {"SIZE": "large"}}}, "deploy")],
)
async def test_plan_of_a_later_change_stays_pending(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, change: Manifest, pending: str
) -> None:
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["done"])))},
        params=[{"name": "SIZE", "default": "small"}],
    )
    await installer.install(package)
    cluster = installer.cluster
    await cluster.patch(INSTANCE, {"metadata": pending_plan_metadata("deploy")})
    get, reads = cluster.get, []

    async def get_before_change(ref: ObjectRef) -> Object | None:
        found = await get(ref)
        if not reads:
            await cluster.patch(ref, change)
        reads.append(found)
        return found

    monkeypatch.setattr(cluster, "get", get_before_change)
    await clear_pending_plan(cluster, PlanRequest(namespace=NAMESPACE, instance="test", plan="deploy"))
    assert len(reads) == 2
    assert pending_plan(await read_instance(cluster, NAMESPACE, "test")) == pending
