"""The real kubectl, run against the sandbox."""

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sandbox_client import CORE, Client, config_map, crd, eventually, foo, workload

from kudo.sandbox import Sandbox

KUBECTL = shutil.which("kubectl") or ""
pytestmark = pytest.mark.skipif(not KUBECTL, reason="kubectl is not on the PATH")

Kubectl = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def kubectl(sandbox: Sandbox, tmp_path: Path) -> Kubectl:
    config = tmp_path / "config"
    config.write_text(json.dumps(sandbox.kubeconfig()))

    async def run(*arguments: str, stdin: object = None, code: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            *(KUBECTL, f"--kubeconfig={config}", f"--cache-dir={tmp_path}", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate(json.dumps(stdin).encode() if stdin else None)
        assert process.returncode == code, output.decode()
        return output.decode()

    return run


async def test_kubectl_manages_a_deployment(kubectl: Kubectl) -> None:
    body = workload("Deployment", replicas=2)
    assert await kubectl("apply", "-f", "-", stdin=body) == "deployment.apps/web created\n"
    assert "successfully rolled out" in await kubectl("rollout", "status", "deployment/web", "--timeout=10s")
    assert await kubectl("apply", "-f", "-", stdin=body) == "deployment.apps/web unchanged\n"
    listed = (await kubectl("get", "deployments")).splitlines()
    assert listed[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert listed[1].split()[:2] == ["web", "2/2"]
    assert "2 updated | 2 total | 2 available" in await kubectl("describe", "deployment", "web")
    assert "so web has no output" in await kubectl("logs", "deployment/web")
    assert await kubectl("set", "image", "deployment/web", "web=web:2") == "deployment.apps/web image updated\n"
    assert "scaled" in await kubectl("scale", "deployment/web", "--replicas=1")
    assert "successfully rolled out" in await kubectl("rollout", "status", "deployment/web", "--timeout=10s")
    assert "deleted" in await kubectl("delete", "deployment", "web", "--cascade=foreground", "--timeout=10s")


async def test_kubectl_applies_server_side(kubectl: Kubectl) -> None:
    body = workload("Deployment")
    applied = await kubectl("apply", "--server-side", "-f", "-", stdin=body)
    assert applied == "deployment.apps/web serverside-applied\n"
    body["spec"]["replicas"] = 3
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    await kubectl("scale", "deployment/web", "--replicas=2")
    assert "Apply failed with 1 conflict" in await kubectl(*other, stdin=body, code=1)
    await kubectl(*other, "--force-conflicts", stdin=body)
    assert await kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "3"


async def test_kubectl_manages_custom_resources(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=crd())
    await kubectl("wait", "--for=condition=Established", "crd/foos.example.com", "--timeout=10s")
    await kubectl("apply", "-f", "-", stdin=foo(size=3))
    assert "configured" in await kubectl("apply", "-f", "-", stdin=foo(size=4))
    assert (await kubectl("get", "foos")).split() == ["NAME", "SIZE", "one", "4"]
    assert "deleted" in await kubectl("delete", "crd", "foos.example.com", "--timeout=10s")


async def test_kubectl_manages_a_namespace(kubectl: Kubectl) -> None:
    body = workload("Job")
    await kubectl("create", "-f", "-", stdin={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}})
    await kubectl("create", "-n", "demo", "-f", "-", stdin=body)
    await kubectl("wait", "-n", "demo", "--for=condition=complete", "job/web", "--timeout=10s")
    assert "Completed" in await kubectl("get", "pods", "-n", "demo")
    assert "deleted" in await kubectl("delete", "namespace", "demo", "--timeout=10s")
    assert "NotFound" in await kubectl("get", "namespace", "demo", code=1)


async def test_kubectl_prints_errors_of_the_api(kubectl: Kubectl, client: Client) -> None:
    assert "selector" in await kubectl("create", "-f", "-", stdin=workload("Deployment", selector=None), code=1)
    await client.get("/readyz")
    assert 'pods "none" not found' in await kubectl("delete", "pod", "none", code=1)


async def test_kubectl_creates_objects_from_arguments(kubectl: Kubectl, client: Client) -> None:
    await kubectl("create", "namespace", "demo")
    await kubectl("create", "configmap", "settings", "-n", "demo", "--from-literal=a=b")
    await kubectl("create", "secret", "generic", "key", "-n", "demo", "--from-literal=a=b")
    space = "/api/v1/namespaces/demo"
    assert (await client.get(f"{space}/configmaps/settings"))["data"] == {"a": "b"}
    assert (await client.get(f"{space}/secrets/key"))["data"] == {"a": "Yg=="}
    assert "application/json" in await kubectl("create", "deployment", "web", "--image=web:1", code=1)


async def test_kubectl_prints_watch_events(kubectl: Kubectl, client: Client, sandbox: Sandbox) -> None:
    printing = asyncio.create_task(kubectl("get", "configmaps", "--watch", "--output-watch-events"))
    await eventually(lambda: sandbox.open_watches > 0)
    await client.post(f"{CORE}/configmaps", config_map(a="1"))
    await client.delete(f"{CORE}/configmaps/settings")
    sandbox.faults.drop_watches()
    lines = [line.split()[:3] for line in (await printing).splitlines()]
    assert lines[0] == ["EVENT", "NAME", "DATA"]
    assert lines[-2:] == [["ADDED", "settings", "1"], ["DELETED", "settings", "1"]]
