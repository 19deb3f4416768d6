"""The steps that wait for approval."""

from dataclasses import dataclass
from datetime import datetime

from kudo.instances.resources import list_instances
from kudo.kubernetes import Cluster


@dataclass(frozen=True, slots=True)
class WaitingApproval:
    """A step that waits for approval."""

    namespace: str
    instance: str
    plan: str
    step: str
    """PHASE.STEP."""
    since: datetime | None


async def waiting_approvals(cluster: Cluster, namespace: str = "") -> list[WaitingApproval]:
    """Return the steps that wait, in a namespace or in all, by the recorded status of the Instances.

    Raises the errors of reading a cluster.
    """
    return [
        WaitingApproval(instance.namespace, instance.name, plan.name, f"{phase.name}.{step.name}", step.start_time)
        for instance in await list_instances(cluster, namespace)
        for plan in instance.status.plan_status.values()
        if plan.status.is_running
        for phase, step in plan.waiting_for_approval()
    ]
