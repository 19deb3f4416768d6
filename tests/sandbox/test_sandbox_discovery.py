"""Discovery of groups, versions and resources, and the objects of a new cluster."""

import pytest
from sandbox_client import CORE, Client, config_map, establish

from kudo.sandbox import Sandbox


async def test_groups_have_a_preferred_version(client: Client) -> None:
    groups = {group["name"]: group for group in (await client.get("/apis"))["groups"]}
    assert groups["policy"]["preferredVersion"]["version"] == "v1"
    assert [version["version"] for version in groups["policy"]["versions"]] == ["v1", "v1beta1"]
    assert (await client.get("/apis/apps"))["preferredVersion"]["groupVersion"] == "apps/v1"
    assert (await client.get("/api"))["versions"] == ["v1"]


async def test_resources_of_a_version_are_listed(client: Client) -> None:
    found = {item["name"]: item for item in (await client.get("/apis/apps/v1"))["resources"]}
    assert found["deployments"]["kind"] == "Deployment"
    assert found["deployments"]["shortNames"] == ["deploy"]
    assert found["deployments/scale"]["kind"] == "Scale"
    assert "pods/log" in {item["name"] for item in (await client.get("/api/v1"))["resources"]}


async def test_custom_resources_are_discovered(client: Client) -> None:
    await client.get("/apis/example.com/v1", code=404)
    await establish(client)
    found = {item["name"] for item in (await client.get("/apis/example.com/v1"))["resources"]}
    assert found == {"foos", "foos/status"}


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
async def test_health_endpoints_return_ok(client: Client, path: str) -> None:
    assert await client.get(path) == "ok"


@pytest.mark.parametrize(
    "path", ["/nothing", "/apis/apps/v1/nothing", "/apis/apps/v1/deployments/web", f"{CORE}/nodes"]
)
async def test_unknown_path_returns_404(client: Client, path: str) -> None:
    status = await client.get(path, code=404)
    assert (status["kind"], status["reason"]) == ("Status", "NotFound")
    assert status["message"] == "the server could not find the requested resource"


async def test_unsupported_method_returns_405(client: Client) -> None:
    await client.call("POST", f"{CORE}/configmaps/settings", config_map(), code=405)
    await client.call("PUT", f"{CORE}/configmaps", config_map(), code=405)


async def test_versions_share_their_objects(client: Client) -> None:
    old = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets"
    new = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    body = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}}
    created = await client.post(old, body | {"spec": {"minAvailable": 1}})
    seen = await client.get(f"{new}/web")
    assert (created["apiVersion"], seen["apiVersion"]) == ("policy/v1beta1", "policy/v1")
    assert (await client.put(f"{new}/web", seen))["metadata"]["generation"] == 1


async def test_kubeconfig_points_to_the_sandbox(sandbox: Sandbox) -> None:
    config = sandbox.kubeconfig()
    assert config["current-context"] == "kudo-sandbox"
    assert config["clusters"][0]["cluster"]["server"] == sandbox.url
    assert config["contexts"][0]["context"]["namespace"] == "default"


async def test_new_cluster_has_the_default_objects(client: Client) -> None:
    assert {item["metadata"]["name"] for item in await client.items("/api/v1/namespaces")} == {"default", "kube-system"}
    (node,) = await client.items("/api/v1/nodes")
    assert node["status"]["conditions"][0]["type"] == "Ready"
    await client.until(f"{CORE}/serviceaccounts/default", bool)
    await client.until(f"{CORE}/configmaps/kube-root-ca.crt", bool)
