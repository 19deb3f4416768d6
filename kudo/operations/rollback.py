"""Return to the version and the parameters of the last COMPLETE run."""

from kudo.errors import RequestError
from kudo.instances.change import Change, compute_rollback, last_complete_spec
from kudo.instances.resources import find_operator_version, read_instance
from kudo.operations.session import Session
from kudo.operations.update import Changed, apply_change


async def check_rollback(session: Session, instance: str) -> Change:
    """Check a rollback without writing it.

    Raises InstanceNotFound, InvalidParams, InvalidPlan, or RequestError if no earlier state is recorded or its
    OperatorVersion was deleted, and the errors of reading a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    spec = last_complete_spec(existing)
    if spec is None:
        raise RequestError(
            f"The instance {instance} in the namespace {session.namespace} has no earlier state to return to: it is "
            "recorded when an instance whose last plan was COMPLETE is changed."
        )
    name = spec.operator_version.name
    version = await find_operator_version(session.cluster, session.namespace, name)
    if version is None:
        raise RequestError(
            f"The OperatorVersion {name} does not exist any more. Install it with "
            f"`kudo install PACKAGE --skip-instance --namespace {session.namespace}`."
        )
    return compute_rollback(existing, version, spec)


async def rollback(session: Session, instance: str) -> Changed:
    """Set the version and parameters of the last COMPLETE run before the last change, and start the plan for them.

    Raises what `check_rollback` raises, PlanAlreadyRunning if a plan of the Instance runs, or TemporalUnavailable.
    """
    change = await check_rollback(session, instance)
    await session.plans.require_idle(session.namespace, instance)
    return await apply_change(session, change)
