"""Mirroring the status of a plan to its Instance, and telling of it in events."""

from kudo.cluster import Cluster
from kudo.instances.resources import instance_ref
from kudo.model.report import StatusReport
from kudo.model.status import PlanStatus


async def report_status(cluster: Cluster, report: StatusReport) -> bool:
    """Write status and events to the Instance; False where it is gone, and there is nothing to write to.

    Safe to repeat: an event is recorded once per run. Raises what writing to a cluster can raise.
    """
    ref = instance_ref(report.request.namespace, report.request.instance)
    if report.status is not None:
        patch = {"status": {"planStatus": {report.status.name: _all_fields(report.status)}}}
        if await cluster.patch(ref, patch, "status") is None:
            return False
    if report.events:
        instance = await cluster.get(ref)
        if instance is None:
            return False
        for event in report.events:
            await cluster.record_event(instance, report.uid, event.type, event.reason, event.message)
    return True


def _all_fields(status: PlanStatus) -> dict[str, object]:
    """The status with null for what it has not, so that merging it leaves nothing of the one before."""
    fields = (field.alias or name for name, field in PlanStatus.model_fields.items())
    present = status.to_json()
    return {name: present.get(name) for name in fields}
