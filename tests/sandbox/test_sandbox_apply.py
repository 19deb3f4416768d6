"""Server-side apply."""

from typing import Any

from sandbox_client import APPS, CORE, FOOS, Client, config_map, establish, foo, template, workload

SETTINGS = f"{CORE}/configmaps/settings"
WEB = f"{APPS}/deployments/web"


def owned_fields(obj: Any, manager: str) -> Any:
    entries = {entry["manager"]: entry for entry in obj["metadata"]["managedFields"]}
    return entries[manager]["fieldsV1"]


async def test_repeated_apply_changes_nothing(client: Client) -> None:
    created = await client.apply(SETTINGS, config_map(a="1"), code=201)
    assert created["metadata"]["managedFields"][0] | {"time": ""} == {
        "manager": "me",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": "",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:a": {}}},
    }
    assert await client.apply(SETTINGS, config_map(a="1"), code=200) == created


async def test_yaml_body_is_accepted(client: Client) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  day: 2024-01-01\n  empty: null\n"
    assert (await client.apply(SETTINGS, text))["data"] == {"day": "2024-01-01", "empty": ""}
    await client.apply(SETTINGS, "a: [", code=400)


async def test_dropped_field_is_removed(client: Client) -> None:
    await client.apply(SETTINGS, config_map(a="1", b="2"))
    assert (await client.apply(SETTINGS, config_map(a="1")))["data"] == {"a": "1"}
    assert "data" not in await client.apply(SETTINGS, {"apiVersion": "v1", "kind": "ConfigMap"})


async def test_dropped_field_with_another_owner_is_kept(client: Client) -> None:
    await client.apply(SETTINGS, config_map(a="1", b="2"))
    await client.apply(SETTINGS, config_map(b="2"), "you")
    changed = await client.apply(SETTINGS, config_map(a="1"))
    assert changed["data"] == {"a": "1", "b": "2"}
    assert owned_fields(changed, "me") == {"f:data": {"f:a": {}}}


async def test_different_value_conflicts(client: Client) -> None:
    await client.apply(SETTINGS, config_map(a="1"))
    status = await client.apply(SETTINGS, config_map(a="2"), "you", code=409)
    assert status["reason"] == "Conflict"
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "me" using v1: .data.a'
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "me" using v1', "field": ".data.a"}
    ]
    assert (await client.get(SETTINGS))["data"] == {"a": "1"}


async def test_forced_apply_takes_ownership(client: Client) -> None:
    await client.apply(SETTINGS, config_map(a="1", b="1"))
    taken = await client.apply(SETTINGS, config_map(a="2"), "you", force="true")
    assert taken["data"] == {"a": "2", "b": "1"}
    assert owned_fields(taken, "me") == {"f:data": {"f:b": {}}}
    assert owned_fields(taken, "you") == {"f:data": {"f:a": {}}}


async def test_update_takes_ownership_without_conflict(client: Client) -> None:
    await client.apply(SETTINGS, config_map(a="1", b="1"))
    changed = await client.patch(SETTINGS, {"data": {"a": "2"}}, fieldManager="editor")
    assert owned_fields(changed, "editor") == {"f:data": {"f:a": {}}}
    status = await client.apply(SETTINGS, config_map(a="1", b="1"), code=409)
    assert 'conflict with "editor" using v1 at ' in status["message"]
    assert (await client.apply(SETTINGS, config_map(b="1")))["data"] == {"a": "2", "b": "1"}


async def test_containers_are_merged_by_name(client: Client) -> None:
    await client.apply(WEB, workload("Deployment", replicas=2))
    sidecar = {"metadata": {}, "spec": {"containers": [{"name": "side", "image": "side:1"}]}}
    both = await client.apply(WEB, {"spec": {"template": sidecar}}, "injector")
    assert [item["name"] for item in both["spec"]["template"]["spec"]["containers"]] == ["web", "side"]
    item = owned_fields(both, "injector")["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"side"}']
    assert item == {".": {}, "f:name": {}, "f:image": {}}
    fewer = await client.apply(WEB, {}, "injector")
    assert [item["name"] for item in fewer["spec"]["template"]["spec"]["containers"]] == ["web"]


async def test_fields_of_a_list_item_have_separate_owners(client: Client) -> None:
    await client.apply(WEB, workload("Deployment"))
    container = {"name": "web", "env": [{"name": "LEVEL", "value": "debug"}]}
    await client.apply(WEB, {"spec": {"template": {"spec": {"containers": [container]}}}}, "you")
    kept = await client.apply(WEB, workload("Deployment", pod=template("web:2")))
    assert kept["spec"]["template"]["spec"]["containers"][0]["env"] == container["env"]
    assert kept["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"


async def test_lists_of_custom_resources_are_atomic(client: Client) -> None:
    await establish(client)
    await client.apply(f"{FOOS}/one", foo(containers=[{"name": "a"}]))
    status = await client.apply(f"{FOOS}/one", foo(containers=[{"name": "b"}]), "you", code=409)
    assert status["details"]["causes"][0]["field"] == ".spec.containers"


async def test_status_is_applied_through_its_subresource_only(client: Client) -> None:
    await establish(client)
    await client.apply(f"{FOOS}/one", foo(size=1) | {"status": {"ready": True}})
    changed = await client.apply(f"{FOOS}/one/status", foo(size=2) | {"status": {"ready": True}})
    assert (changed["spec"], changed["status"]) == ({"size": 1}, {"ready": True})
    subresources = [entry.get("subresource") for entry in changed["metadata"]["managedFields"]]
    assert subresources == [None, "status"]


async def test_apply_without_field_manager_is_refused(client: Client) -> None:
    status = await client.apply(SETTINGS, config_map(), manager="", code=422)
    assert "fieldManager" in status["message"]
