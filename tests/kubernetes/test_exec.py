"""Commands in containers: what they write, how they end, and what gets in their way."""

import pytest
from support.command import execute
from support.files import Files
from support.objects import NAMESPACE, pod

from kudo.errors import AccessDenied, ClusterUnavailable, KindNotFound, ResourceValidationError
from kudo.kubernetes import Cluster
from kudo.model.objects import Object, ObjectRef
from kudo.rollout import wait_until_healthy
from kudo.sandbox import Sandbox

BINARY = bytes(range(256)) * 4096
"""A megabyte of everything that a text cannot be."""


def with_files(files: Files) -> Object:
    item = pod()
    item.manifest["metadata"]["annotations"] = files.annotations
    return item


async def running(cluster: Cluster, item: Object) -> ObjectRef:
    await wait_until_healthy(cluster, [await cluster.apply(item)], lambda _: None)
    return item.ref


async def test_what_a_command_writes(cluster: Cluster, files: Files) -> None:
    files.put("/data/blob", BINARY)
    ref = await running(cluster, with_files(files))
    done = await cluster.execute(ref, "main", ["cat", "/data/blob"], len(BINARY))
    assert (done.code, done.output, done.complaint) == (0, BINARY, "")
    assert (await cluster.execute(ref, "main", ["stat", "-L", "-c", "%s", "/data/blob"], 100)).output == b"1048576\n"


async def test_more_than_is_wanted_is_not_read_to_its_end(cluster: Cluster, files: Files) -> None:
    files.put("/data/blob", BINARY)
    done = await cluster.execute(await running(cluster, with_files(files)), "main", ["cat", "/data/blob"], 100_000)
    assert 100_000 < len(done.output) < len(BINARY)


@pytest.mark.only_on("sandbox", "kwok says of a command that failed that it could not be run")
async def test_a_command_that_fails(cluster: Cluster, files: Files) -> None:
    files.put("/data/name", b"value")
    done = await cluster.execute(await running(cluster, with_files(files)), "main", ["cat", "/none"], 100)
    assert (done.code, done.output, done.complaint) == (1, b"", "cat: can't open '/none'")


async def test_a_command_that_is_not_there(cluster: Cluster, sandbox: Sandbox) -> None:
    done = await cluster.execute(await running(cluster, pod()), "main", ["uptime"], 100)
    assert done.code == 127
    assert "executable file not found" in done.complaint


async def test_a_pod_that_is_not_there(cluster: Cluster) -> None:
    with pytest.raises(KindNotFound):
        await cluster.execute(pod("none").ref, "main", ["cat", "/x"], 100)


async def test_a_container_that_is_not_there(cluster: Cluster) -> None:
    ref = await running(cluster, pod())
    with pytest.raises(ResourceValidationError):
        await cluster.execute(ref, "other", ["cat", "/x"], 100)


async def test_an_api_that_is_away(cluster: Cluster, sandbox: Sandbox) -> None:
    ref = await running(cluster, pod())
    sandbox.faults.away = True
    with pytest.raises(ClusterUnavailable):
        await cluster.execute(ref, "main", ["cat", "/x"], 100)
    sandbox.faults.away = False
    sandbox.faults.fail(1, 403, "Forbidden", path_contains="/exec")
    with pytest.raises(AccessDenied):
        await cluster.execute(ref, "main", ["cat", "/x"], 100)


async def test_kubectl_runs_commands_too(cluster: Cluster, files: Files) -> None:
    files.put("/data/name", b"value")
    await running(cluster, with_files(files))
    done = await execute("kubectl", "exec", "-n", NAMESPACE, "pod", "--", "cat", "/data/name")
    assert (done.status, done.out) == (0, "value"), done.err
