"""An API that refuses, forgets, hangs or lies, and credentials that expire."""

import asyncio
import contextlib
import json
import stat
import sys
from pathlib import Path

import pytest
from support.objects import NAMESPACE, config_map, definition, deployment, widget
from support.proxy import Proxy
from support.rollouts import roll_out
from support.waiting import until

from kudo.errors import ClusterUnavailable, ConfigurationError, ConflictError, ResourceValidationError
from kudo.kubernetes import Cluster, connection
from kudo.model import yaml
from kudo.model.objects import Object
from kudo.rollout import wait_until_gone, wait_until_healthy
from kudo.rollout.health import State, health
from kudo.sandbox import Sandbox


async def waiting(cluster: Cluster, item: Object) -> asyncio.Task[None]:
    """Start to wait for an object, until it says so for the first time."""
    said: list[str] = []
    applied = await cluster.apply(item)
    task = asyncio.create_task(wait_until_healthy(cluster, [applied], said.append))

    async def look() -> bool:
        return bool(said)

    await until(look)
    return task


def requests(sandbox: Sandbox, path: str) -> int:
    return sum(1 for _, requested, _ in sandbox.requests if requested.endswith(path))


async def test_a_watch_that_is_too_old_is_begun_anew(cluster: Cluster, sandbox: Sandbox) -> None:
    task = await waiting(cluster, deployment(rollout="hang"))
    sandbox.faults.fail(1, status=410, reason="Expired", path_contains="/deployments?watch")
    sandbox.faults.drop_watches()
    await roll_out(cluster, "web")
    await task


async def test_an_api_that_refuses_watches_is_not_hammered(cluster: Cluster, sandbox: Sandbox) -> None:
    task = await waiting(cluster, deployment(rollout="hang"))
    sandbox.requests.clear()
    for _ in range(40):
        sandbox.faults.drop_watches()
        await asyncio.sleep(0.05)
    assert requests(sandbox, "/deployments") < 40
    await roll_out(cluster, "web")
    await task


async def test_a_connection_that_died_is_noticed(
    sandbox: Sandbox, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WATCH_SECONDS", 1)
    monkeypatch.setattr(connection, "TIMEOUT", 5.0)
    proxy = Proxy(sandbox)
    async with proxy.running() as address:
        kubeconfig.write_text(kubeconfig.read_text().replace(sandbox.url, address))
        async with await Cluster.connect() as cluster:
            task = await waiting(cluster, deployment(rollout="hang"))
            proxy.kill_connections()
            async with await Cluster.connect() as other:
                await roll_out(other, "web")
            with contextlib.suppress(ClusterUnavailable):
                await asyncio.wait_for(task, 60)
            # A request over a connection that died fails, too; then the task is retried.
            await wait_until_healthy(cluster, [await cluster.apply(deployment())], lambda _: None)


async def test_a_claim_on_a_name_is_refused_when_it_is_taken(cluster: Cluster) -> None:
    await cluster.create(config_map())
    with pytest.raises(ConflictError, match="already exists"):
        await cluster.create(config_map())


async def test_a_kind_and_its_objects_go_together(cluster: Cluster) -> None:
    crd = await cluster.apply(definition())
    await wait_until_healthy(cluster, [crd], lambda _: None)
    one = await cluster.apply(widget())
    await cluster.delete(one.ref)
    await cluster.delete(crd.ref)
    await wait_until_gone(cluster, [crd, one], lambda _: None)


@pytest.mark.parametrize("name", ["web/status", "..", "../../namespaces/default", "web%2Fstatus"])
async def test_a_name_that_leads_elsewhere(cluster: Cluster, name: str) -> None:
    await cluster.apply(deployment())
    with pytest.raises(ResourceValidationError, match="cannot be the name of an object"):
        await cluster.get(deployment(name).ref)


@pytest.mark.parametrize("name", ["web?watch=true", "web#status"])
async def test_a_name_is_nothing_but_a_name(cluster: Cluster, name: str) -> None:
    await cluster.apply(deployment())
    assert await cluster.get(deployment(name).ref) is None


def test_replicas_that_are_still_too_many() -> None:
    item = deployment(replicas=1)
    item.manifest["metadata"]["generation"] = 2
    item.manifest["status"] = {
        "observedGeneration": 2,
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 3),
        "conditions": [{"type": "Available", "status": "True"}],
    }
    assert (health(item).state, health(item).reason) == (State.WAITING, "2 replicas too many")


def with_plugin(kubeconfig: Path, script: str) -> Path:
    """Have a kubeconfig get its token from a program, which notes that it was asked."""
    program = kubeconfig.with_name("plugin")
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    content = yaml.load(kubeconfig.read_text())
    assert isinstance(content, dict)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(program), "args": []}
    content["users"] = [{"name": "kudo-sandbox", "user": {"exec": plugin}}]
    kubeconfig.write_text(yaml.dump(content))
    return program.with_name("asked")


PLUGIN = """\
import json, pathlib
asked = pathlib.Path(__file__).with_name("asked")
asked.write_text((asked.read_text() if asked.exists() else "") + "x")
status = {status}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": status}}))
"""


@pytest.mark.only_on("sandbox", "any token is good for it")
@pytest.mark.parametrize(("expiry", "times"), [("2020-01-01T00:00:00Z", 4), ("2099-01-01T00:00:00Z", 1), ("", 1)])
async def test_a_plugin_is_asked_again_when_its_token_has_expired(kubeconfig: Path, expiry: str, times: int) -> None:
    status = {"token": "secret", **({"expirationTimestamp": expiry} if expiry else {})}
    asked = with_plugin(kubeconfig, PLUGIN.format(status=json.dumps(status)))
    async with await Cluster.connect() as cluster:
        for _ in range(3):
            await cluster.version()
    assert len(asked.read_text()) == times


@pytest.mark.only_on("sandbox", "the user is called as in its kubeconfig")
async def test_a_plugin_that_gives_nothing(kubeconfig: Path) -> None:
    with_plugin(kubeconfig, "import sys; sys.exit(1)")
    with pytest.raises(ConfigurationError, match=r"The credential plugin .* gives no credentials"):
        await Cluster.connect()


async def test_more_watches_than_connections_are_usual(cluster: Cluster, sandbox: Sandbox) -> None:
    kind = await cluster.kind_of(config_map().ref)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(120):
            await stack.enter_async_context(cluster.informers.subscribe(kind, NAMESPACE, f"number={number}"))

        async def all_open() -> bool:
            return sandbox.open_watches >= 120

        await until(all_open)
        await cluster.apply(config_map())
