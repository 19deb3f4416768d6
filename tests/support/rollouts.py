"""Letting go on what hangs because it was told to."""

from kudo.kubernetes import Cluster
from kudo.model.objects import Object, ObjectRef
from support.objects import NAMESPACE, ROLLOUT
from support.waiting import until


async def let_go(cluster: Cluster, pod: ObjectRef) -> None:
    """Let a pod run that hangs."""
    await cluster.patch(pod, {"metadata": {"annotations": {ROLLOUT: None}}})


async def roll_out(cluster: Cluster, name: str) -> None:
    """Let the pods of a workload run, as soon as there are any."""

    async def pods() -> list[Object]:
        return await cluster.list("v1", "Pod", NAMESPACE, f"app={name}")

    for pod in await until(pods):
        await let_go(cluster, pod.ref)
