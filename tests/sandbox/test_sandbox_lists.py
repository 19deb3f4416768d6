"""Selectors, pages and tables."""

from typing import Any

import pytest
from sandbox_client import APPS, CORE, CRDS, FOOS, Client, config_map, establish, foo, workload

from kudo.sandbox import Sandbox

MAPS = f"{CORE}/configmaps"


def names(found: list[Any]) -> list[str]:
    return [item["metadata"]["name"] for item in found]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", ["a", "b"]),
        ("app==web,tier=front", ["a"]),
        ("app!=web", ["c"]),
        ("tier in (front,back)", ["a", "b"]),
        ("tier notin (front)", ["b", "c"]),
        ("tier,app", ["a", "b"]),
        ("!tier", ["c"]),
    ],
)
async def test_label_selector_filters_objects(client: Client, selector: str, expected: list[str]) -> None:
    await client.post(MAPS, config_map("a", {"app": "web", "tier": "front"}))
    await client.post(MAPS, config_map("b", {"app": "web", "tier": "back"}))
    await client.post(MAPS, config_map("c", {"app": "db"}))
    found = names(await client.items(MAPS, labelSelector=selector))
    assert [name for name in found if name != "kube-root-ca.crt"] == expected


async def test_field_selector_filters_objects(client: Client) -> None:
    await client.post(MAPS, config_map("a"))
    await client.post(MAPS, config_map("b"))
    assert names(await client.items(MAPS, fieldSelector="metadata.name=a")) == ["a"]
    assert names(await client.items("/api/v1/namespaces", fieldSelector="status.phase!=Active")) == []
    status = await client.get(MAPS, code=400, fieldSelector="data.a=1")
    assert status["message"] == "field label not supported: data.a"
    await client.get(MAPS, code=400, labelSelector="a=(")


async def test_events_are_selected_by_their_object(client: Client) -> None:
    for name in ("a", "b"):
        event = {"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": name}, "reason": "Tested"}
        await client.post(f"{CORE}/events", event)
    selector = "involvedObject.kind=Pod,involvedObject.name=b"
    assert names(await client.items(f"{CORE}/events", fieldSelector=selector)) == ["b"]


async def test_list_is_returned_in_pages_until_its_token_expires(client: Client, sandbox: Sandbox) -> None:
    for name in "abcde":
        await client.post(MAPS, config_map(name, {"page": "yes"}))
    first = await client.get(MAPS, limit="2", labelSelector="page")
    token = first["metadata"]["continue"]
    assert first["metadata"]["remainingItemCount"] == 3
    second = await client.get(MAPS, **{"limit": "3", "labelSelector": "page", "continue": token})
    assert names(first["items"] + second["items"]) == list("abcde")
    assert "continue" not in second["metadata"]
    await client.post(MAPS, config_map("f"))
    sandbox.faults.compact()
    status = await client.get(MAPS, code=410, **{"continue": token})
    assert status["reason"] == "Expired"


async def test_list_spans_namespaces(client: Client) -> None:
    await client.until("/api/v1/configmaps", lambda found: len(found["items"]) == 2)
    found = await client.get("/api/v1/configmaps")
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert [item["metadata"]["namespace"] for item in found["items"]] == ["default", "kube-system"]


async def test_only_items_of_custom_resources_have_a_kind(client: Client) -> None:
    await establish(client)
    await client.post(FOOS, foo())
    assert (await client.items(FOOS))[0]["kind"] == "Foo"
    assert "kind" not in (await client.items(CRDS))[0]


async def table(client: Client, path: str) -> dict[str, Any]:
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    async with client.session.get(path, headers=headers) as response:
        found = await response.json()
    assert found["kind"] == "Table"
    columns = [column["name"] for column in found["columnDefinitions"]]
    return dict(zip(columns, found["rows"][0]["cells"], strict=True))


async def test_table_has_the_columns_of_built_in_kinds(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    await client.until(f"{APPS}/deployments/web", lambda obj: obj["status"].get("readyReplicas") == 1)
    row = await table(client, f"{APPS}/deployments")
    assert {key: row[key] for key in ("Name", "Ready", "Available")} == {"Name": "web", "Ready": "1/1", "Available": 1}
    row = await table(client, f"{CORE}/pods")
    assert (row["Ready"], row["Status"], row["Restarts"]) == ("1/1", "Running", 0)


async def test_table_has_additional_printer_columns(client: Client) -> None:
    await establish(client)
    await client.post(FOOS, foo(size=3))
    assert await table(client, f"{FOOS}/one") == {"Name": "one", "Size": 3}
