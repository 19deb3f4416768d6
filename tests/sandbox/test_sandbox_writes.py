"""Create, read, replace and patch."""

import pytest
from sandbox_client import APPS, CORE, JSON_PATCH, STRATEGIC, Client, config_map, establish, foo, workload

MAPS = f"{CORE}/configmaps"
WEB = f"{APPS}/deployments/web"


async def test_server_sets_metadata(client: Client) -> None:
    created = await client.post(f"{APPS}/deployments", workload("Deployment"))
    metadata = created["metadata"]
    assert metadata["generation"] == 1
    assert metadata["namespace"] == "default"
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert created["spec"]["replicas"] == 1


async def test_generated_names_are_unique(client: Client) -> None:
    body = config_map() | {"metadata": {"generateName": "settings-"}}
    names = {(await client.post(MAPS, body))["metadata"]["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("settings-") for name in names)


async def test_creation_of_an_existing_object_is_refused(client: Client) -> None:
    await client.post(MAPS, config_map())
    status = await client.post(MAPS, config_map(), code=409)
    assert status["reason"] == "AlreadyExists"
    assert status["message"] == 'configmaps "settings" already exists'
    assert status["details"] == {"name": "settings", "kind": "configmaps"}


async def test_missing_object_or_namespace_returns_404(client: Client) -> None:
    status = await client.get(WEB, code=404)
    assert status["message"] == 'deployments.apps "web" not found'
    assert status["details"] == {"name": "web", "group": "apps", "kind": "deployments"}
    await client.put(WEB, workload("Deployment"), code=404)
    status = await client.post("/api/v1/namespaces/none/configmaps", config_map(), code=404)
    assert status["message"] == 'namespaces "none" not found'


async def test_update_of_an_outdated_version_conflicts(client: Client) -> None:
    first = await client.post(MAPS, config_map(a="1"))
    second = await client.put(f"{MAPS}/settings", first | {"data": {"a": "2"}})
    status = await client.put(f"{MAPS}/settings", first | {"data": {"a": "3"}}, code=409)
    assert status["reason"] == "Conflict"
    assert "the object has been modified" in status["message"]
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])


async def test_write_without_a_change_keeps_the_version(client: Client) -> None:
    first = await client.post(MAPS, config_map(a="1"))
    assert await client.put(f"{MAPS}/settings", config_map(a="1")) == first
    assert await client.patch(f"{MAPS}/settings", {"data": {"a": "1"}}) == first
    assert await client.get(f"{MAPS}/settings") == first


async def test_generation_counts_changes_of_the_spec(client: Client) -> None:
    await establish(client)
    path = "/apis/example.com/v1/namespaces/default/foos"
    await client.post(path, foo(size=1))
    labelled = await client.patch(f"{path}/one", {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    resized = await client.patch(f"{path}/one", {"spec": {"size": 2}})
    assert resized["metadata"]["generation"] == 2


async def test_dry_run_changes_nothing(client: Client) -> None:
    await client.post(MAPS, config_map(), dryRun="All")
    await client.get(f"{MAPS}/settings", code=404)
    first = await client.post(MAPS, config_map(a="1"))
    tried = await client.patch(f"{MAPS}/settings", {"data": {"a": "2"}}, dryRun="All")
    assert tried["data"] == {"a": "2"}
    await client.delete(f"{MAPS}/settings", dryRun="All")
    assert await client.get(f"{MAPS}/settings") == first


@pytest.mark.parametrize("status", [True, False])
async def test_status_is_changed_through_its_subresource_only(client: Client, status: bool) -> None:
    await establish(client, status)
    path = "/apis/example.com/v1/namespaces/default/foos"
    await client.post(path, foo(size=1))
    changed = await client.patch(f"{path}/one", {"spec": {"size": 2}, "status": {"ready": True}})
    assert ("status" in changed) is not status
    code = 200 if status else 404
    response = await client.patch(f"{path}/one/status", {"spec": {"size": 3}, "status": {"ready": True}}, code=code)
    if status:
        assert (response["spec"], response["status"]) == ({"size": 2}, {"ready": True})
        assert response["metadata"]["generation"] == 2


async def test_json_patch_is_applied(client: Client) -> None:
    await client.post(MAPS, config_map(a="1", b="2"))
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "remove", "path": "/data/b"},
        {"op": "add", "path": "/metadata/labels", "value": {}},
        {"op": "add", "path": "/metadata/labels/c~1d", "value": "3"},
    ]
    changed = await client.patch(f"{MAPS}/settings", operations, JSON_PATCH)
    assert (changed["data"], changed["metadata"]["labels"]) == ({"a": "1"}, {"c/d": "3"})
    await client.patch(f"{MAPS}/settings", [{"op": "remove", "path": "/data/z"}], JSON_PATCH, 422)


async def test_strategic_merge_patch_merges_lists_by_key(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    spec = {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}, {"name": "b", "image": "b:1"}]}}}
    await client.patch(WEB, {"spec": spec}, STRATEGIC)
    spec = {"template": {"spec": {"containers": [{"name": "web", "$patch": "delete"}]}}}
    changed = await client.patch(WEB, {"spec": spec}, STRATEGIC)
    assert [item["name"] for item in changed["spec"]["template"]["spec"]["containers"]] == ["b"]


async def test_strategic_merge_patch_of_a_custom_resource_is_refused(client: Client) -> None:
    await establish(client)
    await client.post("/apis/example.com/v1/namespaces/default/foos", foo())
    await client.patch("/apis/example.com/v1/namespaces/default/foos/one", {}, STRATEGIC, 415)


async def test_scale_subresource_changes_replicas(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    scale = await client.patch(f"{WEB}/scale", {"spec": {"replicas": 3}})
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 3})
    assert (await client.get(WEB))["spec"]["replicas"] == 3
