"""The plan that an Instance has still to run: noted with the change, so that no death in between leaves it out."""

from kudo.cluster import Cluster
from kudo.instances.family import owners
from kudo.instances.plans import DEPLOY, plan_for_upgrade
from kudo.instances.resources import instance_ref
from kudo.manifests import PENDING_PLAN
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.resources import Instance, OperatorVersion


def pending_plan(instance: Instance) -> str:
    """Empty where there is none."""
    return instance.metadata.annotations.get(PENDING_PLAN, "")


def with_pending(plan: str) -> Manifest:
    """The metadata that notes a plan; an empty one takes the note away."""
    return {"annotations": {PENDING_PLAN: plan or None}}


def plan_due(version: OperatorVersion, pending: str, changed: str | None) -> str | None:
    """The plan that has to run where one is pending, and a change of parameters would run one.

    What brings an Instance up, or to its version, comes first: the others take it to have run.
    """
    if pending not in version.spec.plans:
        return changed
    return pending if changed is None or pending in (DEPLOY, plan_for_upgrade(version)) else changed


async def settle(cluster: Cluster, done: PlanRequest) -> None:
    """Note that a plan is pending no more. Raises what writing can raise."""
    ref = instance_ref(done.namespace, done.instance)
    there = await cluster.get(ref)
    if there is not None and there.annotations.get(PENDING_PLAN) == done.plan:
        await cluster.patch(ref, {"metadata": with_pending("")})


async def settle_started(cluster: Cluster, started: PlanRequest) -> None:
    """The same for a plan that has started; that of a child is pending until its parent has seen it COMPLETE."""
    there = await cluster.get(instance_ref(started.namespace, started.instance))
    if there is not None and not owners(there):
        await settle(cluster, started)
