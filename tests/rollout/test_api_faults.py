"""Faults of the API and of connections to it, invalid names, and credential plugins."""

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


async def start_waiting(cluster: Cluster, item: Object) -> asyncio.Task[None]:
    """Apply an object, and return the task that waits for it, once the task has reported progress."""
    messages: list[str] = []
    applied = await cluster.apply(item)
    task = asyncio.create_task(wait_until_healthy(cluster, [applied], messages.append))

    async def is_waiting() -> bool:
        return bool(messages)

    await until(is_waiting)
    return task


def count_requests(sandbox: Sandbox, path: str) -> int:
    return sum(1 for _, requested, _ in sandbox.requests if requested.endswith(path))


async def test_expired_watch_is_restarted(cluster: Cluster, sandbox: Sandbox) -> None:
    task = await start_waiting(cluster, deployment(rollout="hang"))
    sandbox.faults.fail(1, status=410, reason="Expired", path_contains="/deployments?watch")
    sandbox.faults.drop_watches()
    await roll_out(cluster, "web")
    await task


async def test_watches_that_keep_ending_are_restarted_after_a_pause(cluster: Cluster, sandbox: Sandbox) -> None:
    task = await start_waiting(cluster, deployment(rollout="hang"))
    sandbox.requests.clear()
    for _ in range(40):
        sandbox.faults.drop_watches()
        await asyncio.sleep(0.05)
    assert count_requests(sandbox, "/deployments") < 40
    await roll_out(cluster, "web")
    await task


async def test_dead_connection_is_detected(sandbox: Sandbox, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WATCH_SECONDS", 1)
    monkeypatch.setattr(connection, "TIMEOUT", 5.0)
    proxy = Proxy(sandbox)
    async with proxy.running() as address:
        kubeconfig.write_text(kubeconfig.read_text().replace(sandbox.url, address))
        async with await Cluster.connect() as cluster:
            task = await start_waiting(cluster, deployment(rollout="hang"))
            proxy.kill_connections()
            async with await Cluster.connect() as other:
                await roll_out(other, "web")
            with contextlib.suppress(ClusterUnavailable):
                await asyncio.wait_for(task, 60)
            # A request over the dead connection may fail as well; Temporal would then retry the task.
            await wait_until_healthy(cluster, [await cluster.apply(deployment())], lambda _: None)


async def test_creation_of_an_existing_object_is_refused(cluster: Cluster) -> None:
    await cluster.create(config_map())
    with pytest.raises(ConflictError, match="already exists"):
        await cluster.create(config_map())


async def test_custom_resource_and_its_definition_are_deleted_together(cluster: Cluster) -> None:
    crd = await cluster.apply(definition())
    await wait_until_healthy(cluster, [crd], lambda _: None)
    resource = await cluster.apply(widget())
    await cluster.delete(resource.ref)
    await cluster.delete(crd.ref)
    await wait_until_gone(cluster, [crd, resource], lambda _: None)


@pytest.mark.parametrize("name", ["web/status", "..", "../../namespaces/default", "web%2Fstatus"])
async def test_name_that_changes_the_path_is_refused(cluster: Cluster, name: str) -> None:
    await cluster.apply(deployment())
    with pytest.raises(ResourceValidationError, match="cannot be the name of an object"):
        await cluster.get(deployment(name).ref)


@pytest.mark.parametrize("name", ["web?watch=true", "web#status"])
async def test_special_characters_of_a_name_are_escaped(cluster: Cluster, name: str) -> None:
    await cluster.apply(deployment())
    assert await cluster.get(deployment(name).ref) is None


def test_deployment_with_surplus_replicas_is_waiting() -> None:
    item = deployment(replicas=1)
    item.manifest["metadata"]["generation"] = 2
    item.manifest["status"] = {
        "observedGeneration": 2,
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 3),
        "conditions": [{"type": "Available", "status": "True"}],
    }
    assert (health(item).state, health(item).reason) == (State.WAITING, "2 replicas too many")


def with_plugin(kubeconfig: Path, script: str) -> Path:
    """Let a kubeconfig get its token from a program; return the file to which the program adds a byte a call."""
    program = kubeconfig.with_name("plugin")
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    content = yaml.load(kubeconfig.read_text())
    assert isinstance(content, dict)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(program), "args": []}
    content["users"] = [{"name": "kudo-sandbox", "user": {"exec": plugin}}]
    kubeconfig.write_text(yaml.dump(content))
    return program.with_name("calls")


PLUGIN = """\
import json, pathlib
calls = pathlib.Path(__file__).with_name("calls")
calls.write_text((calls.read_text() if calls.exists() else "") + "x")
status = {status}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": status}}))
"""


@pytest.mark.only_on("sandbox", "it accepts every token")
@pytest.mark.parametrize(("expiry", "times"), [("2020-01-01T00:00:00Z", 4), ("2099-01-01T00:00:00Z", 1), ("", 1)])
async def test_credential_plugin_is_run_again_once_its_token_has_expired(
    kubeconfig: Path, expiry: str, times: int
) -> None:
    status = {"token": "secret", **({"expirationTimestamp": expiry} if expiry else {})}
    calls = with_plugin(kubeconfig, PLUGIN.format(status=json.dumps(status)))
    async with await Cluster.connect() as cluster:
        for _ in range(3):
            await cluster.version()
    assert len(calls.read_text()) == times


@pytest.mark.only_on("sandbox", "the test replaces the user of its kubeconfig")
async def test_failed_credential_plugin_is_reported(kubeconfig: Path) -> None:
    with_plugin(kubeconfig, "import sys; sys.exit(1)")
    with pytest.raises(ConfigurationError, match=r"The credential plugin .* returned no credentials"):
        await Cluster.connect()


async def test_many_watches_do_not_block_requests(cluster: Cluster, sandbox: Sandbox) -> None:
    kind = await cluster.kind_of(config_map().ref)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(120):
            await stack.enter_async_context(cluster.informers.subscribe(kind, NAMESPACE, f"number={number}"))

        async def all_open() -> bool:
            return sandbox.open_watches >= 120

        await until(all_open)
        await cluster.apply(config_map())
