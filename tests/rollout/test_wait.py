"""Waiting for health, with the reasons, over watches that are shared."""

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
from kudo.rollout import wait_until_gone, wait_until_healthy
from kudo.sandbox import Sandbox


async def apply_and_wait(cluster: Cluster, *items: Object) -> list[str]:
    """Apply objects, wait for their health, and return what was said meanwhile."""
    said: list[str] = []
    applied = [await cluster.apply(item) for item in items]
    await wait_until_healthy(cluster, applied, said.append)
    return said


async def says(said: list[str], words: str) -> None:
    async def look() -> bool:
        return any(words in line for line in said)

    await until(look)


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
async def test_becomes_healthy(cluster: Cluster, item: Object) -> None:
    await apply_and_wait(cluster, item)


async def test_a_job_counts_all_its_completions(cluster: Cluster) -> None:
    said = await apply_and_wait(cluster, job(completions=2, rollout="1"))
    assert any("of 2 completions" in line for line in said)
    done = await cluster.get(job().ref)
    assert done is not None
    assert done.integer("status", "succeeded") == 2


async def test_a_change_is_waited_for_and_not_the_health_before_it(cluster: Cluster) -> None:
    await apply_and_wait(cluster, deployment(replicas=1))
    await apply_and_wait(cluster, deployment(replicas=3))
    now = await cluster.get(deployment().ref)
    assert now is not None
    assert now.integer("status", "readyReplicas") == 3


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (deployment(rollout="image"), "0 of 1 replicas available; pod web-"),
        (stateful_set(rollout="image"), "0 of 1 replicas ready; pod db-0: ImagePullBackOff"),
        (stateful_set(rollout="hang"), "pod db-0: Unschedulable"),
        (pod(rollout="image"), "Pod default/pod: ImagePullBackOff"),
    ],
)
async def test_says_what_holds_it_up(cluster: Cluster, item: Object, words: str) -> None:
    said: list[str] = []
    applied = await cluster.apply(item)
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], said.append))
    await says(said, words)
    assert not waiting.done()
    waiting.cancel()


async def test_names_the_first_few_of_many(cluster: Cluster) -> None:
    said: list[str] = []
    applied = [await cluster.apply(pod(f"pod-{number}", rollout="hang")) for number in range(5)]
    waiting = asyncio.create_task(wait_until_healthy(cluster, applied, said.append))
    await says(said, "; and 2 more")
    waiting.cancel()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (job(rollout="fail"), "Job default/job failed: BackoffLimitExceeded"),
        (deployment(rollout="fail"), "Deployment default/web failed: ProgressDeadlineExceeded"),
    ],
)
async def test_fails_for_good(cluster: Cluster, item: Object, words: str) -> None:
    with pytest.raises(FailedTerminalStateError, match=words):
        await apply_and_wait(cluster, item)


async def test_a_claim_that_waits_for_its_pod_is_no_reason_to_wait(cluster: Cluster) -> None:
    storage_class = Object.of(
        "storage.k8s.io/v1",
        "StorageClass",
        {"name": "late"},
        provisioner="example.com/none",
        volumeBindingMode="WaitForFirstConsumer",
    )
    await cluster.apply(storage_class)
    await apply_and_wait(cluster, claim(storage_class="late"))


async def test_an_object_that_is_deleted_meanwhile_is_tried_again(cluster: Cluster) -> None:
    applied = await cluster.apply(deployment(rollout="hang"))
    said: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], said.append))
    await says(said, "replicas")
    await cluster.delete(applied.ref)
    with pytest.raises(ConflictError, match="was deleted while the plan waited for it"):
        await waiting


async def test_an_api_that_goes_away_is_noticed_at_once(cluster: Cluster, sandbox: Sandbox) -> None:
    applied = await cluster.apply(deployment(rollout="hang"))
    said: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], said.append))
    await says(said, "replicas")
    sandbox.faults.away = True
    with pytest.raises(ClusterUnavailable):
        await waiting


@pytest.mark.parametrize("trouble", ["drop", "compact and drop"])
async def test_watches_that_are_cut_go_on(cluster: Cluster, sandbox: Sandbox, trouble: str) -> None:
    applied = await cluster.apply(deployment(rollout="0.5"))
    said: list[str] = []
    waiting = asyncio.create_task(wait_until_healthy(cluster, [applied], said.append))
    await says(said, "replicas")
    if trouble != "drop":
        sandbox.faults.compact()
    sandbox.faults.drop_watches()
    await waiting


async def test_many_wait_over_few_watches(cluster: Cluster, sandbox: Sandbox) -> None:
    items = [deployment(f"web-{number}", rollout="2") for number in range(30)]
    applied = [await cluster.apply(item) for item in items]
    waiting = [asyncio.create_task(wait_until_healthy(cluster, [item], lambda _: None)) for item in applied]

    async def watching() -> bool:
        return sandbox.open_watches >= 2

    await until(watching)
    await asyncio.sleep(0.1)
    # Deployments, pods, and what is left of the definitions.
    assert sandbox.open_watches <= 3
    await asyncio.gather(*waiting)


async def test_waits_until_a_finalizer_lets_go(cluster: Cluster) -> None:
    held = config_map("held")
    held.manifest["metadata"]["finalizers"] = ["example.com/hold"]
    applied = await cluster.apply(held)
    await cluster.delete(applied.ref)
    said: list[str] = []
    waiting = asyncio.create_task(wait_until_gone(cluster, [applied], said.append))
    await says(said, "held by example.com/hold")
    await cluster.patch(applied.ref, {"metadata": {"finalizers": None}})
    await waiting
    assert not await cluster.list("v1", "ConfigMap", NAMESPACE, "heritage=kudo")
