"""Deletion, finalizers and the garbage collector."""

from typing import Any

import pytest
from sandbox_client import APPS, BATCH, CORE, Client, config_map, workload

MAPS = f"{CORE}/configmaps"


def gone(found: Any) -> bool:
    return found is None


def dependent(name: str, owner: Any, **extra: Any) -> dict[str, Any]:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    obj = config_map(name)
    obj["metadata"]["ownerReferences"] = [reference | extra]
    return obj


async def test_object_is_deleted_immediately(client: Client) -> None:
    await client.post(MAPS, config_map())
    status = await client.delete(f"{MAPS}/settings")
    assert (status["kind"], status["status"], status["details"]["name"]) == ("Status", "Success", "settings")
    await client.delete(f"{MAPS}/settings", code=404)


async def test_finalizer_blocks_deletion(client: Client) -> None:
    body = config_map() | {"metadata": {"name": "settings", "finalizers": ["example.com/hold"]}}
    await client.post(MAPS, body)
    held = await client.delete(f"{MAPS}/settings")
    assert held["metadata"]["deletionTimestamp"]
    await client.delete(f"{MAPS}/settings")
    await client.patch(f"{MAPS}/settings", {"metadata": {"finalizers": ["example.com/hold", "b/c"]}}, code=422)
    await client.patch(f"{MAPS}/settings", {"metadata": {"finalizers": None}})
    await client.get(f"{MAPS}/settings", code=404)


async def test_uid_precondition_is_checked(client: Client) -> None:
    created = await client.post(MAPS, config_map())
    status = await client.delete(f"{MAPS}/settings", {"preconditions": {"uid": "another"}}, code=409)
    assert "Precondition failed: UID in precondition: another" in status["message"]
    await client.delete(f"{MAPS}/settings", {"preconditions": {"uid": created["metadata"]["uid"]}})


async def test_background_deletion_deletes_dependents(client: Client) -> None:
    owner = await client.post(MAPS, config_map("owner"))
    await client.post(MAPS, dependent("child", owner))
    await client.delete(f"{MAPS}/owner", propagationPolicy="Background")
    await client.until(f"{MAPS}/child", gone)


async def test_dependents_of_a_missing_owner_are_deleted(client: Client) -> None:
    await client.post(MAPS, dependent("child", {"metadata": {"uid": "never-was"}}))
    await client.until(f"{MAPS}/child", gone)


async def test_foreground_deletion_deletes_dependents_first(client: Client) -> None:
    owner = await client.post(MAPS, config_map("owner"))
    child = dependent("child", owner, blockOwnerDeletion=True)
    child["metadata"]["finalizers"] = ["example.com/hold"]
    await client.post(MAPS, child)
    held = await client.delete(f"{MAPS}/owner", {"propagationPolicy": "Foreground"})
    assert held["metadata"]["finalizers"] == ["foregroundDeletion"]
    await client.until(f"{MAPS}/child", lambda obj: obj["metadata"].get("deletionTimestamp"))
    await client.get(f"{MAPS}/owner")
    await client.patch(f"{MAPS}/child", {"metadata": {"finalizers": None}})
    await client.until(f"{MAPS}/owner", gone)


async def test_orphan_deletion_keeps_dependents(client: Client) -> None:
    owner = await client.post(MAPS, config_map("owner"))
    await client.post(MAPS, dependent("child", owner))
    await client.delete(f"{MAPS}/owner", propagationPolicy="Orphan")
    assert not (await client.get(f"{MAPS}/child"))["metadata"]["ownerReferences"]


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_deletion_of_a_deployment_deletes_its_pods(client: Client, policy: str) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    await client.until(f"{CORE}/pods", lambda found: len(found["items"]) == 1)
    await client.delete(f"{APPS}/deployments/web", propagationPolicy=policy)
    for path in (f"{APPS}/deployments", f"{APPS}/replicasets", f"{CORE}/pods"):
        await client.until(path, lambda found: not found["items"])


async def test_deletion_of_a_job_orphans_its_pods_by_default(client: Client) -> None:
    await client.post(f"{BATCH}/jobs", workload("Job"))
    await client.until(f"{CORE}/pods", lambda found: len(found["items"]) == 1)
    await client.delete(f"{BATCH}/jobs/web")
    (pod,) = await client.items(f"{CORE}/pods")
    assert not pod["metadata"]["ownerReferences"]


async def test_collection_is_deleted_by_selector(client: Client) -> None:
    for name in "abc":
        await client.post(MAPS, config_map(name, {"name": name}))
    found = await client.delete(MAPS, labelSelector="name in (a,b)")
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "b"]
    assert [item["metadata"]["name"] for item in await client.items(MAPS, labelSelector="name")] == ["c"]


async def test_namespace_is_deleted_after_its_contents(client: Client) -> None:
    space = "/api/v1/namespaces/demo"
    await client.post("/api/v1/namespaces", {"metadata": {"name": "demo"}})
    body = config_map() | {"metadata": {"name": "settings", "finalizers": ["example.com/hold"]}}
    await client.post(f"{space}/configmaps", body)
    assert (await client.delete(space))["status"]["phase"] == "Terminating"
    status = await client.post(f"{space}/configmaps", config_map("late"), code=403)
    assert "because it is being terminated" in status["message"]
    assert status["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    await client.until(f"{space}/configmaps", lambda found: len(found["items"]) == 1)
    await client.patch(f"{space}/configmaps/settings", {"metadata": {"finalizers": None}})
    await client.until(space, gone)
