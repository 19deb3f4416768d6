"""Write the status of a plan to its Instance, and record events about it."""

from kudo.instances.resources import instance_ref, parse_instance
from kudo.kubernetes import Cluster
from kudo.model.report import StatusReport
from kudo.model.status import PlanStatus


async def report_status(cluster: Cluster, report: StatusReport) -> bool:
    """Write status and events to the Instance; return False if the Instance does not exist any more.

    Safe to repeat and to run late: an event is recorded once, and a later status is kept. Raises
    ConflictError if the Instance changes meanwhile, and the errors of writing to a cluster.
    """
    ref = instance_ref(report.request.namespace, report.request.instance)
    instance = await cluster.get(ref)
    if instance is None or report.instance_uid not in ("", instance.uid):
        return False
    status = report.status
    recorded = parse_instance(instance).status.plan_status.get(status.name) if status else None
    if status is not None and not (recorded and (report.keep or _is_late(recorded, status))):
        patch = {
            "metadata": {"resourceVersion": instance.resource_version},
            "status": {"planStatus": {status.name: _all_fields(status)}},
        }
        if await cluster.patch(ref, patch, "status") is None:
            return False
    for event in report.events:
        key = f"{report.uid}/{event.at.isoformat()}" if event.at else report.uid
        await cluster.record_event(instance, key, event.type, event.reason, event.message)
    return True


def _is_late(recorded: PlanStatus, status: PlanStatus) -> bool:
    """Whether a later status, of this run or another, was recorded: a worker may sleep before it writes."""
    if recorded.uid == status.uid and recorded.sequence > status.sequence:
        return True
    before, now = recorded.last_updated_timestamp, status.last_updated_timestamp
    return before is not None and now is not None and before > now


def _all_fields(status: PlanStatus) -> dict[str, object]:
    """Return the status with null for missing fields, so that a merge patch removes the previous values."""
    fields = (field.alias or name for name, field in PlanStatus.model_fields.items())
    present = status.to_json()
    return {name: present.get(name) for name in fields}
