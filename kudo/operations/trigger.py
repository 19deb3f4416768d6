"""Run a plan of an Instance."""

from collections.abc import Mapping
from dataclasses import dataclass

from kudo.client import Run
from kudo.errors import RequestError
from kudo.instances.active_plan import check_place
from kudo.instances.parameters import check_parameters, require_unchanged
from kudo.instances.resources import read_instance, read_operator_version
from kudo.instances.triggers import require_plan
from kudo.model.execution import PlanRequest
from kudo.model.plans import CLEANUP
from kudo.model.resources import Instance, OperatorVersion
from kudo.operations.session import NO_PARAMETERS, Session


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request for a plan that was checked against the Instance and its OperatorVersion."""

    request: PlanRequest
    instance: Instance
    version: OperatorVersion


async def check_trigger(
    session: Session,
    instance: str,
    plan: str,
    parameters: Mapping[str, str] = NO_PARAMETERS,
    start_from: str = "",
) -> CheckedRequest:
    """Check a request for a plan without starting it.

    Raises InstanceNotFound, InvalidPlan, InvalidParams or RequestError, and the errors of reading a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    version = await read_operator_version(session.cluster, existing)
    require_plan(version, plan)
    if plan == CLEANUP:
        raise RequestError(
            "The plan cleanup runs when the instance is uninstalled: "
            f"`kudo uninstall --instance {instance} --namespace {session.namespace}`."
        )
    given = {**existing.spec.parameters, **parameters}
    check_parameters(version.spec.parameters, given)
    require_unchanged(version.spec.parameters, existing.spec.parameters, given)
    if start_from:
        check_place(version, plan, start_from)
    request = session.request(instance, plan, parameters=parameters, start_from=start_from)
    return CheckedRequest(request, existing, version)


async def trigger(
    session: Session,
    instance: str,
    plan: str,
    parameters: Mapping[str, str] = NO_PARAMETERS,
    start_from: str = "",
) -> Run:
    """Start a plan; `parameters` apply to this run only, `start_from` is a PHASE or PHASE.STEP.

    Raises what `check_trigger` raises, PlanAlreadyRunning, or TemporalUnavailable.
    """
    checked = await check_trigger(session, instance, plan, parameters, start_from)
    return await session.start(checked.request)
