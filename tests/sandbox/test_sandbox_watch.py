"""Watches."""

import aiohttp
from sandbox_client import CORE, Client, config_map, eventually

from kudo.sandbox import Sandbox

MAPS = f"{CORE}/configmaps"


async def revision(client: Client) -> str:
    """Return the current resourceVersion, once the default objects of the namespace exist."""
    await client.until(f"{CORE}/configmaps/kube-root-ca.crt", bool)
    found: str = (await client.get(MAPS))["metadata"]["resourceVersion"]
    return found


async def test_watch_streams_the_changes_since_a_version(client: Client) -> None:
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


async def test_watch_without_version_starts_with_existing_objects(client: Client) -> None:
    await revision(client)
    await client.post(MAPS, config_map())
    async with client.watch(MAPS) as events:
        assert await events.next_names(2) == [("ADDED", "kube-root-ca.crt"), ("ADDED", "settings")]


async def test_change_of_labels_adds_and_deletes_in_a_selecting_watch(client: Client) -> None:
    since = await revision(client)
    async with client.watch(MAPS, resourceVersion=since, labelSelector="on=yes") as events:
        await client.post(MAPS, config_map("other"))
        await client.post(MAPS, config_map())
        for value in ("yes", "no"):
            await client.patch(f"{MAPS}/settings", {"metadata": {"labels": {"on": value}}})
        assert await events.next_names(2) == [("ADDED", "settings"), ("DELETED", "settings")]


async def test_field_selector_limits_a_watch_to_one_object(client: Client) -> None:
    since = await revision(client)
    async with client.watch(MAPS, resourceVersion=since, fieldSelector="metadata.name=b") as events:
        await client.post(MAPS, config_map("a"))
        await client.post(MAPS, config_map("b"))
        assert await events.next_names(1) == [("ADDED", "b")]


async def test_watch_ends_with_a_bookmark_after_its_timeout(client: Client) -> None:
    query = {"resourceVersion": await revision(client), "timeoutSeconds": "1", "allowWatchBookmarks": "true"}
    async with client.watch(MAPS, **query) as events:
        bookmark = await events.next()
        assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
        assert await events.next() is None


async def test_watch_from_a_compacted_or_future_version_is_expired(client: Client, sandbox: Sandbox) -> None:
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


async def test_dropped_watch_ends(client: Client, sandbox: Sandbox) -> None:
    async with client.watch(MAPS, resourceVersion=await revision(client)) as events:
        assert sandbox.open_watches == 1
        sandbox.faults.drop_watches()
        assert await events.next() is None


async def test_disconnect_of_the_client_closes_the_watch(client: Client, sandbox: Sandbox) -> None:
    async with client.watch(MAPS, resourceVersion=await revision(client)):
        assert sandbox.open_watches == 1
    await eventually(lambda: not sandbox.open_watches)


async def test_unsupported_or_malformed_watch_is_refused(client: Client) -> None:
    await client.get(MAPS, code=422, watch="1", sendInitialEvents="true")
    async with client.watch(MAPS, resourceVersion="x") as events:
        assert (await events.next())["object"]["code"] == 400


async def test_stop_of_the_sandbox_ends_watches() -> None:
    sandbox = Sandbox(rollout=0.02)
    await sandbox.start()
    async with aiohttp.ClientSession(sandbox.url) as session, Client(session).watch(MAPS) as events:
        await events.next()
        await sandbox.stop()
        await events.rest()
    assert sandbox.open_watches == 0
