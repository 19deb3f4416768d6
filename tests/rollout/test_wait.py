"""Waiting until objects are healthy or deleted: reported reasons, failures and shared watches."""

import asyncio

import pytest
from support.objects import (
    NAMESPACE,
    claim,
    config_map,
    daemon_set,
    deployment,
    job,
    pod,
    service,
    stateful_set,
)
from support.waiting import until

from kudo.errors import ClusterUnavailable, ConflictError, FailedTerminalStateError
from kudo.kubernetes import Cluster
from kudo.model.objects import Object
from kudo.rollout import wait, wait_until_gone, wait_until_healthy, warning_events
from kudo.sandbox import Sandbox


async def apply_and_wait(cluster: Cluster, *items: Object) -> list[str]:
    """Apply objects, wait until they are healthy, and return the reported progress."""
    messages: list[str] = []
    applied = [await cluster.apply(item) for item in items]
    await wait_until_healthy(cluster, applied, messages.append)
    return messages


async def wait_for_message(messages: list[str], words: str) -> None:
    async def is_reported() -> bool:
        return any(words in line for line in messages)

    await until(is_reported)


@pytest.mark.parametrize(
    "item",
    [
        deployment(replicas=3),
        deployment(replicas=0),
        stateful_set(replicas=3),
        daemon_set(),
        job(completions=3),
        pod(),
        service(),
        service("balanced", "LoadBalancer"),
        claim(),
        config_map(),
    ],
    ids=lambda item: f"{item.kind} {item.name}",
)
async def test_object_becomes_healthy(cluster: Cluster, item: Object) -> None:
    await apply_and_wait(cluster, item)


async def test_job_is_healthy_after_all_its_completions(cluster: Cluster) -> None:
    messages = await apply_and_wait(cluster, job(completions=2, rollout="1"))
    assert any("of 2 completions" in line for line in messages)
    done = await cluster.get(job().ref)
    assert done is not None
    assert done.integer("status", "succeeded") == 2


async def test_change_of_a_healthy_object_is_awaited(cluster: Cluster) -> None:
    await apply_and_wait(cluster, deployment(replicas=1))
    await apply_and_wait(cluster, deployment(replicas=3))
    live = await cluster.get(deployment().ref)
    assert live is not None
    assert live.integer("status", "readyReplicas") == 3


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (deployment(rollout="image"), "0 of 1 replicas available; pod web-"),
        (stateful_set(rollout="image"), "0 of 1 replicas ready; pod db-0: ImagePullBackOff"),
        (stateful_set(rollout="hang"), "pod db-0: Unschedulable"),
        (pod(rollout="image"), "Pod default/pod: ImagePullBackOff"),
    ],
)
async def test_reason_of_the_wait_is_reported(cluster: Cluster, item: Object, words: str) -> None:
    messages: list[str] = []
    applied = await cluster.apply(item)
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], messages.append))
    await wait_for_message(messages, words)
    assert not waiting.done()
    waiting.cancel()


async def test_report_of_many_objects_is_shortened(cluster: Cluster) -> None:
    messages: list[str] = []
    applied = [await cluster.apply(pod(f"pod-{number}", rollout="hang")) for number in range(5)]
    waiting = asyncio.create_task(wait_until_healthy(cluster, applied, messages.append))
    await wait_for_message(messages, "; and 2 more")
    waiting.cancel()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (job(rollout="fail"), "Job default/job failed: BackoffLimitExceeded"),
        (deployment(rollout="fail"), "Deployment default/web failed: ProgressDeadlineExceeded"),
    ],
)
async def test_permanent_failure_is_raised(cluster: Cluster, item: Object, words: str) -> None:
    with pytest.raises(FailedTerminalStateError, match=words):
        await apply_and_wait(cluster, item)


ACCOUNT = 'error looking up service account default/missing: serviceaccount "missing" not found'


@pytest.mark.parametrize("item", [deployment(), stateful_set(), daemon_set(), job()], ids=lambda item: item.kind)
async def test_reason_names_the_missing_service_account(
    cluster: Cluster, item: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warning_events, "FIRST", 0.5)
    item.manifest["spec"]["template"]["spec"]["serviceAccountName"] = "missing"
    messages: list[str] = []
    applied = [await cluster.apply(item)]
    waiting = asyncio.create_task(wait_until_healthy(cluster, applied, messages.append))
    await wait_for_message(messages, ACCOUNT)
    # The object becomes healthy once the account exists; its controller tries again ever more rarely.
    await cluster.apply(Object.of("v1", "ServiceAccount", {"name": "missing", "namespace": NAMESPACE}))
    await waiting


async def test_failure_names_the_missing_service_account(cluster: Cluster) -> None:
    item = deployment()
    item.manifest["spec"]["progressDeadlineSeconds"] = 1
    item.manifest["spec"]["template"]["spec"]["serviceAccountName"] = "missing"
    with pytest.raises(FailedTerminalStateError, match=f"ProgressDeadlineExceeded.*{ACCOUNT}"):
        await apply_and_wait(cluster, item)


@pytest.mark.only_on("control-plane", "the sandbox has no quotas")
@pytest.mark.parametrize("item", [stateful_set(), daemon_set(), job()], ids=lambda item: item.kind)
async def test_reason_names_the_exceeded_quota(cluster: Cluster, item: Object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warning_events, "FIRST", 0.5)
    quota = Object.of("v1", "ResourceQuota", {"name": "none", "namespace": NAMESPACE}, spec={"hard": {"pods": "0"}})
    await cluster.apply(quota)

    async def is_enforced() -> bool:
        live = await cluster.get(quota.ref)
        return live is not None and live.has("status", "hard")

    await until(is_enforced)
    messages: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [await cluster.apply(item)], messages.append))
    await wait_for_message(messages, "exceeded quota: none")
    waiting.cancel()


async def test_claim_that_waits_for_its_first_consumer_is_healthy(cluster: Cluster) -> None:
    storage_class = Object.of(
        "storage.k8s.io/v1",
        "StorageClass",
        {"name": "late"},
        provisioner="example.com/none",
        volumeBindingMode="WaitForFirstConsumer",
    )
    await cluster.apply(storage_class)
    await apply_and_wait(cluster, claim("waiting", storage_class="late"))
    live = await cluster.get(claim("waiting").ref)
    assert live is not None
    assert live.text("status", "phase") == "Pending"


@pytest.mark.parametrize("turns", range(6))
async def test_cancel_that_arrives_with_a_change_ends_the_wait(turns: int) -> None:
    changed = asyncio.Event()

    async def follow() -> None:
        while True:
            await wait._change(changed)

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.01)
    changed.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait([following], timeout=5)
    assert following.cancelled()


async def test_object_deleted_during_the_wait_raises_a_conflict(cluster: Cluster) -> None:
    applied = await cluster.apply(deployment(rollout="hang"))
    messages: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], messages.append))
    await wait_for_message(messages, "replicas")
    await cluster.delete(applied.ref)
    with pytest.raises(ConflictError, match="was deleted while the plan waited for it"):
        await waiting


async def test_api_that_becomes_unreachable_ends_the_wait(cluster: Cluster, sandbox: Sandbox) -> None:
    applied = await cluster.apply(deployment(rollout="hang"))
    messages: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], messages.append))
    await wait_for_message(messages, "replicas")
    sandbox.faults.away = True
    with pytest.raises(ClusterUnavailable):
        await waiting


@pytest.mark.parametrize("trouble", ["drop", "compact and drop"])
async def test_wait_continues_after_dropped_watches(cluster: Cluster, sandbox: Sandbox, trouble: str) -> None:
    applied = await cluster.apply(deployment(rollout="0.5"))
    messages: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], messages.append))
    await wait_for_message(messages, "replicas")
    if trouble != "drop":
        sandbox.faults.compact()
    sandbox.faults.drop_watches()
    await waiting


async def test_many_waits_share_few_watches(cluster: Cluster, sandbox: Sandbox) -> None:
    items = [deployment(f"web-{number}", rollout="2") for number in range(30)]
    applied = [await cluster.apply(item) for item in items]
    waiting = [asyncio.create_task(wait_until_healthy(cluster, [item], lambda _: None)) for item in applied]

    async def watches_are_open() -> bool:
        return sandbox.open_watches >= 2

    await until(watches_are_open)
    await asyncio.sleep(0.1)
    # Deployments, pods, and the watch of definitions that the set-up may have left open.
    assert sandbox.open_watches <= 3
    await asyncio.gather(*waiting)


async def test_wait_for_deletion_lasts_until_finalizers_are_removed(cluster: Cluster) -> None:
    held = config_map("held")
    held.manifest["metadata"]["finalizers"] = ["example.com/hold"]
    applied = await cluster.apply(held)
    await cluster.delete(applied.ref)
    messages: list[str] = []
    waiting = asyncio.create_task(wait_until_gone(cluster, [applied], messages.append))
    await wait_for_message(messages, "remaining finalizers: example.com/hold")
    await cluster.patch(applied.ref, {"metadata": {"finalizers": None}})
    await waiting
    assert not await cluster.list("v1", "ConfigMap", NAMESPACE, "heritage=kudo")
