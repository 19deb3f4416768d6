"""Change parameters of an Instance."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from kudo.client import Run
from kudo.errors import KudoError
from kudo.instances.change import Change, compute_change, undo_change, write_change
from kudo.instances.resources import read_instance, read_operator_version
from kudo.operations.session import Session


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was written, and the run that it started; None if no plan had to run."""

    change: Change
    run: Run | None


async def check_update(session: Session, instance: str, parameters: Mapping[str, str]) -> Change:
    """Check a change of parameters without writing it.

    Raises InstanceNotFound, InvalidOperatorVersion, InvalidParams, InvalidPlan or RequestError, and the errors of
    reading a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    version = await read_operator_version(session.cluster, existing)
    return compute_change(existing, version, version, parameters)


async def update(session: Session, instance: str, parameters: Mapping[str, str]) -> Changed:
    """Change parameters of an Instance and start the plan that the change triggers.

    Raises what `check_update` raises, PlanAlreadyRunning if a plan of the Instance runs, or TemporalUnavailable.
    """
    change = await check_update(session, instance, parameters)
    await session.plans.require_idle(session.namespace, instance)
    return await apply_change(session, change)


async def apply_change(session: Session, change: Change) -> Changed:
    """Write a change and start its plan; undo the write if the plan cannot be started.

    Raises PlanAlreadyRunning, TemporalUnavailable, and the errors of writing to a cluster.
    """
    await write_change(session.cluster, change)
    if change.plan is None:
        return Changed(change, None)
    try:
        # A pending plan from before belongs to the parent of a child Instance; one of this change does not.
        run = await session.start(session.request(change.instance.name, change.plan), clear_child=not change.pending)
    except (KudoError, asyncio.CancelledError):
        await undo_change(session.cluster, change)
        raise
    return Changed(change, run)
