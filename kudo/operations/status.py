"""The status of all plans of an Instance."""

from contextlib import suppress

from kudo.errors import KudoError
from kudo.instances.resources import find_operator_version, read_instance
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.operations.reconcile import record_end
from kudo.operations.session import Session


async def plan_statuses(session: Session, instance: str) -> list[PlanStatus]:
    """Return the recorded status of each plan of an Instance, and for the last run the one that Temporal has.

    Without Temporal, the recorded statuses are returned. Raises InstanceNotFound, and the errors of reading a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    version = await find_operator_version(session.cluster, session.namespace, existing.spec.operator_version.name)
    names = sorted(version.spec.plans) if version else []
    never_run = {name: PlanStatus(name=name, status=ExecutionStatus.NEVER_RUN) for name in names}
    plans = never_run | existing.status.plan_status
    # A run whose workflow was terminated could not record how it ended.
    with suppress(KudoError):
        last = await session.plans.latest(session.namespace, instance)
        current = await last.current()
        if _is_newer(current, plans.get(current.name)):
            plans[current.name] = current
            await record_end(session.cluster, last, existing, current)
        for plan in plans.values():
            if plan is not current:
                await last.add_children(plan)
    return list(plans.values())


def _is_newer(current: PlanStatus, recorded: PlanStatus | None) -> bool:
    """Whether the status from Temporal is newer than the recorded one, which may be of a later run."""
    if recorded is None or recorded.uid == current.uid:
        return True
    return not recorded.status.is_terminal or current.status.is_running
