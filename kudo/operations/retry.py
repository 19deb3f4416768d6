"""Run the last plan of an Instance again, from the beginning or without the steps that are COMPLETE."""

from dataclasses import dataclass

from kudo.client import Run
from kudo.errors import RequestError
from kudo.instances.active_plan import check_place
from kudo.instances.pending_plan import pending_plan
from kudo.instances.resources import read_instance, read_operator_version
from kudo.model.execution import PlanRequest
from kudo.model.resources import Instance
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.operations.session import Session


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that continues: a paused one that goes on, or a new one that was started."""

    run: Run
    was_paused: bool


async def retry(session: Session, instance: str, *, start_from: str = "", without_parameters: bool = False) -> Run:
    """Start the plan that failed or was cancelled last again, or the pending plan.

    The new run has the parameters that the last one was started with, unless `without_parameters`. Raises
    InstanceNotFound, InvalidPlan for an unknown `start_from`, RequestError if there is nothing to run or Temporal has
    forgotten the last run, PlanAlreadyRunning, or TemporalUnavailable.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    if pending := _pending_plan(existing):
        return await session.start(session.request(instance, pending))
    last = _unfinished_plan(existing)
    if start_from:
        check_place(await read_operator_version(session.cluster, existing), last.name, start_from)
    before = None if without_parameters else await _read_request(session, instance, last)
    parameters = before.parameters if before else {}
    return await session.start(session.request(instance, last.name, parameters=parameters, start_from=start_from))


async def resume(session: Session, instance: str, reason: str, *, without_parameters: bool = False) -> Resumed:
    """Let a paused plan go on, or start the plan that failed or was cancelled last without its COMPLETE steps.

    Raises what `retry` raises.
    """
    running = await session.plans.running(session.namespace, instance)
    if running is None:
        return Resumed(await _start_again(session, instance, without_parameters), was_paused=False)
    if not (await running.status()).paused:
        raise await session.plans.refusal(running.request)
    await session.plans.unpause(session.namespace, instance, reason)
    return Resumed(running, was_paused=True)


async def _start_again(session: Session, instance: str, without_parameters: bool) -> Run:
    existing = await read_instance(session.cluster, session.namespace, instance)
    if pending := _pending_plan(existing):
        return await session.start(session.request(instance, pending))
    last = _unfinished_plan(existing)
    request = session.request(instance, last.name, resume=True)
    if not without_parameters:
        before = await _read_request(session, instance, last)
        request.parameters, request.start_from = before.parameters, before.start_from
    return await session.start(request)


def _pending_plan(instance: Instance) -> str:
    """Return the pending plan, unless it is the plan that ran last and did not finish; empty if there is none."""
    last, pending = instance.status.last_plan, pending_plan(instance)
    is_last = last is not None and last.name == pending and last.status is not ExecutionStatus.COMPLETE
    return "" if is_last else pending


def _unfinished_plan(instance: Instance) -> PlanStatus:
    last = instance.status.last_plan
    if last is None or last.status is ExecutionStatus.COMPLETE:
        reason = "none of its plans has run" if last is None else f"its last plan, {last.name}, is COMPLETE"
        raise RequestError(f"The instance {instance.name} has no plan to rerun: {reason}.")
    return last


async def _read_request(session: Session, instance: str, last: PlanStatus) -> PlanRequest:
    """Return the request that the recorded run was started with."""
    origin = await session.plans.origin(session.namespace, instance, last.uid) if last.uid else None
    if origin is None or origin.request.plan != last.name:
        raise RequestError(
            f"Temporal no longer has the request that started the plan {last.name} of the instance {instance}. Run it "
            f"with `kudo plan trigger --instance {instance} --namespace {session.namespace} --name {last.name}`, and "
            "-p for parameters of the run; or add --without-parameters if it had none."
        )
    return origin.request
