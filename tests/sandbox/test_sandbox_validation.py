"""Validation of objects, and the defaults of Services and Secrets."""

from typing import Any

import pytest
from sandbox_client import APPS, BATCH, CORE, Client, config_map, template, workload

SERVICE: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}


def labelled(value: Any) -> dict[str, Any]:
    return config_map() | {"metadata": {"name": "settings", "labels": {"a": value}}}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (f"{CORE}/configmaps", config_map("Bad_Name"), "metadata.name: Invalid value"),
        (f"{CORE}/configmaps", config_map() | {"metadata": {}}, "metadata.name: Required value"),
        (f"{CORE}/configmaps", labelled("not a label"), "a valid label must be"),
        (f"{CORE}/configmaps", labelled("x" * 64), "no more than 63 characters"),
        (f"{CORE}/services", SERVICE | {"spec": {}}, "spec.ports: Required value"),
        (f"{APPS}/deployments", workload("Deployment", selector=None), "spec.selector: Required value"),
        (
            f"{APPS}/deployments",
            workload("Deployment", selector={"matchLabels": {"app": "other"}}),
            "`selector` does not match template `labels`",
        ),
        (f"{APPS}/deployments", workload("Deployment", template=None), "spec.template.spec.containers: Required value"),
        (f"{APPS}/deployments", workload("Deployment", pod=template("")), "containers[0].image: Required value"),
        (f"{BATCH}/jobs", workload("Job", pod=template(restartPolicy="Always")), "Unsupported value"),
    ],
)
async def test_invalid_object_is_refused(client: Client, path: str, body: Any, words: str) -> None:
    status = await client.post(path, body, code=422)
    assert (status["reason"], status["code"]) == ("Invalid", 422)
    assert words in status["message"]
    cause = status["details"]["causes"][0]
    assert f"{cause['field']}: {cause['message']}" in status["message"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (f"{CORE}/configmaps", "{", "json parse error"),
        (f"{CORE}/configmaps", "[]", "json parse error"),
        (f"{CORE}/configmaps", config_map(a=1), "cannot unmarshal number into Go struct field ConfigMap.data"),
        (f"{CORE}/configmaps", labelled(True), "cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels"),
        (f"{CORE}/configmaps", config_map() | {"kind": "Secret"}, "does not match the expected kind"),
        (
            f"{CORE}/configmaps",
            config_map() | {"metadata": {"name": "a", "namespace": "b"}},
            "does not match the namespace",
        ),
        (f"{APPS}/deployments", workload("Deployment", template=["no"]), "cannot unmarshal array into Go struct field"),
        (f"{APPS}/deployments", workload("Deployment", replicas="2"), "cannot unmarshal string into Go struct field"),
    ],
)
async def test_malformed_body_is_refused(client: Client, path: str, body: Any, words: str) -> None:
    status = await client.post(path, body, code=400)
    assert status["reason"] == "BadRequest"
    assert words in status["message"]


async def test_name_that_differs_from_the_path_is_refused(client: Client) -> None:
    await client.post(f"{CORE}/configmaps", config_map())
    await client.put(f"{CORE}/configmaps/settings", config_map("other"), code=400)


@pytest.mark.parametrize(
    ("kind", "patch", "words"),
    [
        ("Deployment", {"selector": {"matchLabels": {"app": None, "x": "y"}}}, "field is immutable"),
        ("StatefulSet", {"serviceName": "other"}, "updates to statefulset spec for fields other than"),
        ("Job", {"template": template("web:2", restartPolicy="Never")}, "spec.template: Invalid value"),
    ],
)
async def test_update_of_immutable_field_is_refused(client: Client, kind: str, patch: Any, words: str) -> None:
    path = f"{BATCH}/jobs" if kind == "Job" else f"{APPS}/{kind.lower()}s"
    await client.post(path, workload(kind))
    status = await client.patch(f"{path}/web", {"spec": patch}, code=422)
    assert words in status["message"]


async def test_headless_and_external_services_need_no_ports(client: Client) -> None:
    headless = SERVICE | {"spec": {"clusterIP": "None"}}
    external = SERVICE | {"metadata": {"name": "out"}, "spec": {"type": "ExternalName", "externalName": "example.com"}}
    assert (await client.post(f"{CORE}/services", headless))["spec"]["clusterIP"] == "None"
    assert "clusterIP" not in (await client.post(f"{CORE}/services", external))["spec"]


async def test_service_keeps_its_cluster_ip(client: Client) -> None:
    body = SERVICE | {"spec": {"ports": [{"port": 80}]}}
    address = (await client.post(f"{CORE}/services", body))["spec"]["clusterIP"]
    assert (await client.put(f"{CORE}/services/web", body))["spec"]["clusterIP"] == address
    await client.patch(f"{CORE}/services/web", {"spec": {"clusterIP": "10.96.1.2"}}, code=422)


async def test_string_data_of_a_secret_is_encoded(client: Client) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "b"}}
    created = await client.post(f"{CORE}/secrets", secret)
    assert (created["data"], created["type"], "stringData" in created) == ({"a": "Yg=="}, "Opaque", False)
