"""The plan that an Instance has still to run: noted with the change, so that no death in between leaves it out."""

from kudo.instances.owners import owners
from kudo.instances.resources import instance_ref
from kudo.instances.triggers import DEPLOY, plan_for_upgrade
from kudo.kubernetes import Cluster
from kudo.model.annotations import PENDING_PLAN
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.resources import Instance, OperatorVersion


def pending_plan(instance: Instance) -> str:
    """Empty where there is none."""
    return instance.metadata.annotations.get(PENDING_PLAN, "")


def pending_plan_hint(instance: Instance) -> str:
    """The sentence that says so, after a blank; empty where there is none."""
    pending = pending_plan(instance)
    return f" Its plan {pending} is left to run: `kudo plan retry --instance {instance.name}`." if pending else ""


def pending_plan_metadata(plan: str) -> Manifest:
    """The metadata that notes a plan; an empty one takes the note away."""
    return {"annotations": {PENDING_PLAN: plan or None}}


def choose_plan(version: OperatorVersion, pending: str, changed: str | None) -> str | None:
    """The plan that has to run where one is pending, and a change of parameters would run one.

    What brings an Instance up, or to its version, comes first: the others take it to have run.
    """
    if pending not in version.spec.plans:
        return changed
    return pending if changed is None or pending in (DEPLOY, plan_for_upgrade(version)) else changed


async def clear_pending_plan(cluster: Cluster, done: PlanRequest, *, of_child: bool = True) -> None:
    """Note that a plan is pending no more; not that of a child, unless `of_child`. Raises what writing can raise."""
    ref = instance_ref(done.namespace, done.instance)
    there = await cluster.get(ref)
    if there is None or there.annotations.get(PENDING_PLAN) != done.plan:
        return
    if of_child or not owners(there):
        await cluster.patch(ref, {"metadata": pending_plan_metadata("")})
