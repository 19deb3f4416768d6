"""Watches."""

import aiohttp
from sandbox_client import CORE, Client, config_map, eventually

from kudo.sandbox import Sandbox

MAPS = f"{CORE}/configmaps"


async def revision(client: Client) -> str:
    """The current version, once the namespace has got what every namespace has."""
    await client.until(f"{CORE}/configmaps/kube-root-ca.crt", bool)
    found: str = (await client.get(MAPS))["metadata"]["resourceVersion"]
    return found


async def test_changes_from_a_version_on(client: Client) -> None:
    since = await revision(client)
    await client.post(MAPS, config_map())
    async with client.watch(MAPS, resourceVersion=since) as events:
        assert await events.next_names(1) == [("ADDED", "settings")]
        await client.patch(f"{MAPS}/settings", {"data": {"a": "1"}})
        await client.delete(f"{MAPS}/settings")
        modified, deleted = await events.next(), await events.next()
    assert (modified["type"], modified["object"]["data"]) == ("MODIFIED", {"a": "1"})
    assert deleted["type"] == "DELETED"
    assert int(deleted["object"]["metadata"]["resourceVersion"]) > int(
        modified["object"]["metadata"]["resourceVersion"]
    )


async def test_what_is_there_comes_first(client: Client) -> None:
    await revision(client)
    await client.post(MAPS, config_map())
    async with client.watch(MAPS) as events:
        assert await events.next_names(2) == [("ADDED", "kube-root-ca.crt"), ("ADDED", "settings")]


async def test_selected_objects_come_and_go(client: Client) -> None:
    since = await revision(client)
    async with client.watch(MAPS, resourceVersion=since, labelSelector="on=yes") as events:
        await client.post(MAPS, config_map("other"))
        await client.post(MAPS, config_map())
        for value in ("yes", "no"):
            await client.patch(f"{MAPS}/settings", {"metadata": {"labels": {"on": value}}})
        assert await events.next_names(2) == [("ADDED", "settings"), ("DELETED", "settings")]


async def test_one_object(client: Client) -> None:
    since = await revision(client)
    async with client.watch(MAPS, resourceVersion=since, fieldSelector="metadata.name=b") as events:
        await client.post(MAPS, config_map("a"))
        await client.post(MAPS, config_map("b"))
        assert await events.next_names(1) == [("ADDED", "b")]


async def test_the_end_and_its_bookmark(client: Client) -> None:
    query = {"resourceVersion": await revision(client), "timeoutSeconds": "1", "allowWatchBookmarks": "true"}
    async with client.watch(MAPS, **query) as events:
        bookmark = await events.next()
        assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
        assert await events.next() is None


async def test_forgotten_versions(client: Client, sandbox: Sandbox) -> None:
    since = await revision(client)
    await client.post(MAPS, config_map())
    sandbox.faults.compact()
    async with client.watch(MAPS, resourceVersion=since) as events:
        error = await events.next()
        assert error["type"] == "ERROR"
        assert (error["object"]["code"], error["object"]["reason"]) == (410, "Expired")
        assert await events.next() is None
    async with client.watch(MAPS, resourceVersion="999999") as events:
        assert (await events.next())["object"]["code"] == 410


async def test_dropped_watches(client: Client, sandbox: Sandbox) -> None:
    async with client.watch(MAPS, resourceVersion=await revision(client)) as events:
        assert sandbox.open_watches == 1
        sandbox.faults.drop_watches()
        assert await events.next() is None


async def test_a_client_that_leaves_is_noticed(client: Client, sandbox: Sandbox) -> None:
    async with client.watch(MAPS, resourceVersion=await revision(client)):
        assert sandbox.open_watches == 1
    await eventually(lambda: not sandbox.open_watches)


async def test_unsupported_and_unreadable_watches(client: Client) -> None:
    await client.get(MAPS, code=422, watch="1", sendInitialEvents="true")
    async with client.watch(MAPS, resourceVersion="x") as events:
        assert (await events.next())["object"]["code"] == 400


async def test_the_sandbox_stops_under_a_watch() -> None:
    sandbox = Sandbox(rollout=0.02)
    await sandbox.start()
    async with aiohttp.ClientSession(sandbox.url) as session, Client(session).watch(MAPS) as events:
        await events.next()
        await sandbox.stop()
        await events.rest()
    assert sandbox.open_watches == 0
