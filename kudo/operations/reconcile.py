"""Record how runs ended that could not record it themselves: their workflow was terminated, or timed out."""

from contextlib import suppress

from kudo.client import Plans, PlanStatus, Run
from kudo.errors import KudoError
from kudo.instances.report import report_status
from kudo.kubernetes import Cluster
from kudo.model.report import StatusReport
from kudo.model.resources import Instance


async def record_end(cluster: Cluster, run: Run, instance: Instance, ended: PlanStatus) -> None:
    """Write the final status of a run to its Instance, if that still says that the run goes on."""
    recorded = instance.status.plan_status.get(ended.name)
    if recorded is None or recorded.uid != run.run_id or recorded.status.is_terminal or not ended.status.is_terminal:
        return
    status = ended.model_copy(update={"uid": recorded.uid, "sequence": recorded.sequence + 1})
    status.last_updated_timestamp = status.completion_time or recorded.last_updated_timestamp
    report = StatusReport(request=run.request, uid=run.run_id, instance_uid=instance.metadata.uid, status=status)
    # Without the right to write, the status is right in what was asked for, and wrong in the Instance.
    with suppress(KudoError):
        await report_status(cluster, report)


async def record_ends(cluster: Cluster, plans: Plans, instances: list[Instance]) -> bool:
    """Record the ends of the last runs of Instances; return whether any may have been. Raises TemporalUnavailable."""
    changed = False
    for instance in instances:
        last = instance.status.last_plan
        if last is None or last.status.is_terminal:
            continue
        if await plans.running(instance.namespace, instance.name) is None:
            run = await plans.latest(instance.namespace, instance.name)
            await record_end(cluster, run, instance, (await run.outcome()).status)
            changed = True
    return changed
