"""Injected faults, recorded requests and the saved state."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from sandbox_client import APPS, CORE, CRDS, FOOS, Client, config_map, counts, crd, foo, workload

from kudo.sandbox import Sandbox

MAPS = f"{CORE}/configmaps"


async def test_next_requests_fail_as_injected(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.fail(2, 429, "TooManyRequests", method="POST", path_contains="configmaps", retry_after=1)
    await client.get(MAPS)
    for _ in range(2):
        async with client.session.post(MAPS, json=config_map()) as response:
            status = await response.json()
            assert (response.status, response.headers["Retry-After"]) == (429, "1")
        assert (status["reason"], status["details"]) == ("TooManyRequests", {"retryAfterSeconds": 1})
    await client.post(MAPS, config_map())


async def test_api_is_unreachable_while_it_is_away(client: Client, sandbox: Sandbox) -> None:
    async with client.watch(MAPS) as events:
        await events.next()
        sandbox.faults.away = True
        with pytest.raises(aiohttp.ClientError):
            await events.rest()
    with pytest.raises(aiohttp.ClientError):
        await client.get(MAPS)
    sandbox.faults.away = False
    await client.get(MAPS)


async def test_requests_are_recorded(client: Client, sandbox: Sandbox) -> None:
    await client.get(MAPS, limit="1")
    assert sandbox.requests[-1] == ("GET", MAPS, {"limit": "1"})


async def test_start_on_a_used_port_is_refused(sandbox: Sandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await Sandbox(port=port).start()


async def test_state_is_restored_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state.json"
    async with Sandbox(rollout=0.02, state=state) as first, aiohttp.ClientSession(first.url) as session:
        client = Client(session)
        await client.post(CRDS, crd())
        await client.until(FOOS, bool)
        await client.post(FOOS, foo(size=1))
        await client.post(f"{APPS}/deployments", workload("Deployment"))
        before = await client.until(f"{APPS}/deployments/web", counts(readyReplicas=1))
    async with Sandbox(rollout=0.02, state=state) as second, aiohttp.ClientSession(second.url) as session:
        client = Client(session)
        after = await client.get(f"{APPS}/deployments/web")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert (await client.get(f"{FOOS}/one"))["spec"] == {"size": 1}
        await client.patch(f"{APPS}/deployments/web", {"spec": {"replicas": 2}})
        await client.until(f"{APPS}/deployments/web", counts(readyReplicas=2))
    assert [path.name for path in state.parent.iterdir()] == ["state.json"]


async def test_unreadable_state_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text("{")
    with pytest.raises(ValueError, match="Expecting"):
        await Sandbox(state=state).start()


async def test_state_is_saved_once_the_disk_has_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kudo.sandbox.sandbox._SAVE_SECONDS", 0.02)
    folder = tmp_path / "disk"
    folder.write_text("a file where the folder should be: nothing can be saved")
    state = folder / "state.json"
    async with Sandbox(rollout=0.02) as started, aiohttp.ClientSession(started.url) as session:
        started._state = state
        async with session.post(MAPS, json=config_map()) as response:
            assert response.status == 201
        await asyncio.sleep(0.2)
        folder.unlink()
        for _ in range(200):
            if state.exists():
                break
            await asyncio.sleep(0.02)
        assert "config" in state.read_text()
        assert [path.name for path in folder.iterdir()] == ["state.json"]
