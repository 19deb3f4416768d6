"""Commands in containers: output, exit codes and errors."""

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
"""A megabyte with bytes that are not UTF-8."""


def pod_with_files(files: Files) -> Object:
    item = pod()
    item.manifest["metadata"]["annotations"] = files.annotations
    return item


async def start_pod(cluster: Cluster, item: Object) -> ObjectRef:
    await wait_until_healthy(cluster, [await cluster.apply(item)], lambda _: None)
    return item.ref


async def test_binary_output_of_a_command_is_returned(cluster: Cluster, files: Files) -> None:
    files.put("/data/blob", BINARY)
    ref = await start_pod(cluster, pod_with_files(files))
    done = await cluster.execute(ref, "main", ["cat", "/data/blob"], len(BINARY))
    assert (done.code, done.output, done.complaint) == (0, BINARY, "")
    assert (await cluster.execute(ref, "main", ["stat", "-L", "-c", "%s", "/data/blob"], 100)).output == b"1048576\n"


async def test_output_above_the_limit_is_not_read_to_its_end(cluster: Cluster, files: Files) -> None:
    files.put("/data/blob", BINARY)
    done = await cluster.execute(
        await start_pod(cluster, pod_with_files(files)), "main", ["cat", "/data/blob"], 100_000
    )
    assert 100_000 < len(done.output) < len(BINARY)


@pytest.mark.only_on("sandbox", "kwok reports a command that failed as one that cannot be run")
async def test_failed_command_returns_exit_code_and_stderr(cluster: Cluster, files: Files) -> None:
    files.put("/data/name", b"value")
    done = await cluster.execute(await start_pod(cluster, pod_with_files(files)), "main", ["cat", "/none"], 100)
    assert (done.code, done.output, done.complaint) == (1, b"", "cat: can't open '/none'")


async def test_missing_executable_returns_exit_code_127(cluster: Cluster, sandbox: Sandbox) -> None:
    done = await cluster.execute(await start_pod(cluster, pod()), "main", ["uptime"], 100)
    assert done.code == 127
    assert "executable file not found" in done.complaint


async def test_command_in_a_missing_pod_is_refused(cluster: Cluster) -> None:
    with pytest.raises(KindNotFound):
        await cluster.execute(pod("none").ref, "main", ["cat", "/x"], 100)


async def test_command_in_a_missing_container_is_refused(cluster: Cluster) -> None:
    ref = await start_pod(cluster, pod())
    with pytest.raises(ResourceValidationError):
        await cluster.execute(ref, "other", ["cat", "/x"], 100)


async def test_unreachable_or_forbidden_api_raises(cluster: Cluster, sandbox: Sandbox) -> None:
    ref = await start_pod(cluster, pod())
    sandbox.faults.away = True
    with pytest.raises(ClusterUnavailable):
        await cluster.execute(ref, "main", ["cat", "/x"], 100)
    sandbox.faults.away = False
    sandbox.faults.fail(1, 403, "Forbidden", path_contains="/exec")
    with pytest.raises(AccessDenied):
        await cluster.execute(ref, "main", ["cat", "/x"], 100)


async def test_kubectl_exec_returns_the_output(cluster: Cluster, files: Files) -> None:
    files.put("/data/name", b"value")
    await start_pod(cluster, pod_with_files(files))
    done = await execute("kubectl", "exec", "-n", NAMESPACE, "pod", "--", "cat", "/data/name")
    assert (done.status, done.out) == (0, "value"), done.err
