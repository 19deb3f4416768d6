"""Remove an Instance: cancel its plan, run the cleanup plans, and delete it with everything that it owns."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

from kudo.client import Run
from kudo.errors import KudoError, PlanFailed
from kudo.instances.owners import descendants
from kudo.instances.resources import find_operator_version, instance_ref, parse_instance, read_instance
from kudo.kubernetes import Cluster
from kudo.model.annotations import INSTANCE, INSTANCE_NAMESPACE
from kudo.model.objects import Object, ObjectRef
from kudo.model.plans import CLEANUP
from kudo.model.resources import Instance
from kudo.operations.session import Session
from kudo.rollout import wait_until_gone

FINALIZER = "kudo.dev.instance.cleanup"
"""The finalizer that KUDO's manager sets on Instances whose operator has a plan cleanup."""


@dataclass(frozen=True, slots=True)
class PlanCancelled:
    """A running plan was cancelled before the cleanup; `run` will end soon."""

    run: Run


@dataclass(frozen=True, slots=True)
class CleanupStarted:
    """A cleanup plan is running."""

    run: Run
    was_running: bool
    """Whether it ran before this operation."""
    of_child: bool
    """Whether it is the plan of a child Instance."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Cluster-scoped objects of the Instance: they have no owner, so they were not deleted with it."""

    objects: list[ObjectRef]


UninstallEvent = PlanCancelled | CleanupStarted | LeftBehind


async def uninstall(
    session: Session, instance: str, *, skip_cleanup: bool = False
) -> AsyncGenerator[UninstallEvent, None]:
    """Uninstall an Instance; yield each run that it waits for, before it waits, so that the caller can show it.

    The cleanup plans of children run after that of their parent, as in KUDO. Ends when everything is deleted. Raises
    InstanceNotFound, InvalidOperatorVersion, PlanFailed if a cleanup plan does not end COMPLETE, TemporalUnavailable,
    and the errors of a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    async for event in _clean_up(session, existing, skip_cleanup, of_child=False):
        yield event
    children = await descendants(session.cluster, session.namespace, existing.metadata.uid)
    for child in children:
        async for event in _clean_up(session, parse_instance(child), skip_cleanup, of_child=True):
            yield event
    await _delete(session.cluster, session.namespace, instance)
    if left := await _left_behind(session.cluster, session.namespace, instance):
        yield LeftBehind(left)


async def _left_behind(cluster: Cluster, namespace: str, instance: str) -> list[ObjectRef]:
    """Return the cluster-scoped objects of an Instance, of the kinds that may be listed."""
    found = []
    for kind in await cluster.cluster_scoped_kinds():
        with suppress(KudoError):
            items = await cluster.list(kind.api_version, kind.kind, labels=f"{INSTANCE}={instance}")
            found += [item.ref for item in items if item.annotations.get(INSTANCE_NAMESPACE) == namespace]
    return found


async def _clean_up(
    session: Session, instance: Instance, skip_cleanup: bool, *, of_child: bool
) -> AsyncGenerator[UninstallEvent, None]:
    """Cancel the running plan, and run the plan cleanup if the operator has one."""
    running = await session.plans.running(session.namespace, instance.name)
    is_cleanup = running is not None and running.request.plan == CLEANUP and not skip_cleanup
    if running is not None and not is_cleanup:
        await session.plans.cancel(session.namespace, instance.name, "the instance is being uninstalled")
        yield PlanCancelled(running)
        await running.outcome()
    if skip_cleanup or not await _has_cleanup(session, instance):
        return
    cleanup = running if is_cleanup and running else await session.plans.start(session.request(instance.name, CLEANUP))
    yield CleanupStarted(cleanup, was_running=is_cleanup, of_child=of_child)
    outcome = await cleanup.outcome()
    if not outcome.complete:
        raise PlanFailed(f"The plan {CLEANUP} of the instance {instance.name} ended {outcome.status.status}.")


async def _has_cleanup(session: Session, instance: Instance) -> bool:
    """Whether the operator has a cleanup plan; without its OperatorVersion an Instance has none."""
    version = await find_operator_version(session.cluster, session.namespace, instance.spec.operator_version.name)
    return version is not None and CLEANUP in version.spec.plans


async def _delete(cluster: Cluster, namespace: str, name: str) -> None:
    """Delete an Instance with everything that it owns, and wait until the Instance is deleted."""
    ref = instance_ref(namespace, name)
    instance = await cluster.get(ref)
    if instance is None:
        return
    for item in [instance, *await descendants(cluster, namespace, instance.uid)]:
        await _remove_finalizer(cluster, item)
    await cluster.delete(ref)
    await wait_until_gone(cluster, [instance], lambda _: None)


async def _remove_finalizer(cluster: Cluster, instance: Object) -> None:
    """Remove the finalizer that KUDO's manager removes after the plan cleanup; that manager may be gone."""
    finalizers = instance.manifest["metadata"].get("finalizers", [])
    if FINALIZER in finalizers:
        left = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
        metadata = {"finalizers": left, "resourceVersion": instance.resource_version}
        await cluster.patch(instance.ref, {"metadata": metadata})
