"""Completion of the roll-outs that an annotation makes hang."""

from kudo.kubernetes import Cluster
from kudo.model.objects import Object, ObjectRef
from support.objects import NAMESPACE, ROLLOUT
from support.waiting import until


async def release_pod(cluster: Cluster, pod: ObjectRef) -> None:
    """Complete the roll-out of a pod that hangs."""
    await cluster.patch(pod, {"metadata": {"annotations": {ROLLOUT: None}}})


async def roll_out(cluster: Cluster, name: str) -> None:
    """Wait until a workload has pods, and complete their roll-out."""

    async def pods() -> list[Object]:
        return await cluster.list("v1", "Pod", NAMESPACE, f"app={name}")

    for pod in await until(pods):
        await release_pod(cluster, pod.ref)
