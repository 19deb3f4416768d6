"""The plan that an Instance still has to run, recorded as an annotation in the same write as its change.

So the plan is not lost if the process that wrote the change ends before it starts the plan.
"""

from typing import TYPE_CHECKING

from kudo.errors import ConflictError
from kudo.instances.owners import owners
from kudo.instances.resources import instance_ref
from kudo.instances.triggers import plan_for_upgrade
from kudo.model.annotations import PENDING_PLAN
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.plans import DEPLOY
from kudo.model.resources import Instance, OperatorVersion

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster


def pending_plan(instance: Instance) -> str:
    """Return the pending plan of an Instance; empty if there is none."""
    return instance.metadata.annotations.get(PENDING_PLAN, "")


def pending_plan_hint(instance: Instance) -> str:
    """Return a sentence about the pending plan, with a leading space; empty if there is none."""
    pending = pending_plan(instance)
    command = f"kudo plan retry --instance {instance.name} --namespace {instance.namespace}"
    return f" Its plan {pending} is pending; run it with `{command}`." if pending else ""


def pending_plan_metadata(plan: str) -> Manifest:
    """Return the metadata patch that records a pending plan; an empty name clears it."""
    return {"annotations": {PENDING_PLAN: plan or None}}


def choose_plan(version: OperatorVersion, pending: str, changed: str | None) -> str | None:
    """Return the plan to run, given the pending plan and the plan of the change.

    A pending deploy or upgrade comes first, because the other plans rely on it.
    """
    if pending not in version.spec.plans:
        return changed
    return pending if changed is None or pending in (DEPLOY, plan_for_upgrade(version)) else changed


async def clear_pending_plan(cluster: "Cluster", done: PlanRequest, *, of_child: bool = True) -> None:
    """Clear the pending plan, that of a child only if `of_child`; one of a change that is made meanwhile stays.

    Raises the errors of writing to a cluster.
    """
    ref = instance_ref(done.namespace, done.instance)
    first = existing = await cluster.get(ref)
    while first and existing and existing.annotations.get(PENDING_PLAN) == done.plan:
        is_of_child = not of_child and bool(owners(existing))
        if is_of_child or existing.integer("metadata", "generation") != first.integer("metadata", "generation"):
            return
        metadata = {**pending_plan_metadata(""), "resourceVersion": existing.resource_version}
        try:
            await cluster.patch(ref, {"metadata": metadata})
        except ConflictError:
            existing = await cluster.get(ref)
        else:
            return
