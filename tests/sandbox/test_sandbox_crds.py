"""Custom resources."""

from sandbox_client import CRDS, FOOS, Client, crd, establish, foo, is_true

FOO_CRD = f"{CRDS}/foos.example.com"


async def test_definition_is_established_and_served(client: Client) -> None:
    await client.post(CRDS, crd())
    established = await client.until(FOO_CRD, is_true("Established"))
    assert is_true("NamesAccepted")(established)
    assert established["status"]["storedVersions"] == ["v1"]
    created = await client.post(FOOS, foo(anything={"goes": [1, None]}))
    assert created["spec"]["anything"] == {"goes": [1, None]}


async def test_added_version_is_served(client: Client) -> None:
    await establish(client)
    await client.post(FOOS, foo(size=1))
    body = crd()
    body["spec"]["versions"].append({"name": "v2", "served": True, "storage": False})
    await client.put(FOO_CRD, body)
    seen = await client.get(f"{FOOS}/one".replace("/v1/", "/v2/"))
    assert (seen["apiVersion"], seen["spec"]) == ("example.com/v2", {"size": 1})


async def test_custom_resources_are_deleted_before_their_definition(client: Client) -> None:
    await establish(client)
    body = foo()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await client.post(FOOS, body)
    await client.delete(FOO_CRD)
    await client.until(f"{FOOS}/one", lambda obj: obj["metadata"].get("deletionTimestamp"))
    await client.get(FOO_CRD)
    await client.patch(f"{FOOS}/one", {"metadata": {"finalizers": []}})
    await client.until(FOO_CRD, lambda found: found is None)
    await client.get(FOOS, code=404)


async def test_definition_not_named_after_its_resource_is_refused(client: Client) -> None:
    body = crd() | {"metadata": {"name": "foo.example.com"}}
    status = await client.post(CRDS, body, code=422)
    assert "must be spec.names.plural" in status["message"]
