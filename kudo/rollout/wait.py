"""Wait for objects to be healthy, or gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from kudo.errors import ConflictError, FailedTerminalStateError, GraceError, KindNotFound, KudoError
from kudo.kubernetes.cluster import Cluster
from kudo.kubernetes.informers import Informer
from kudo.model.annotations import HERITAGE
from kudo.model.objects import Object, ObjectRef
from kudo.rollout.health import Health, State, health
from kudo.rollout.pod_trouble import Pods, selector

OnProgress = Callable[[str], None]
"""Told what is being waited for, whenever that may have changed."""

HealthCheck = Callable[[Object], Awaitable[Health]]
"""Says whether an object is healthy."""

PODS = 2.0
"""Seconds after which the pods of what is waited for are looked at again."""

SHOWN = 3
"""How many of the objects that are being waited for are named."""

_POD = ObjectRef("v1", "Pod", "", "")


async def by_kind(item: Object) -> Health:
    """Whether an object is healthy, by its status and the rule of its kind."""
    return health(item)


async def wait_until_healthy(
    cluster: Cluster,
    applied: Iterable[Object],
    on_progress: OnProgress,
    *,
    health_check: HealthCheck = by_kind,
    patience: timedelta | None = None,
) -> None:
    """Wait until all objects, as applying them returned them, are healthy.

    Raises FailedTerminalStateError for one that never will be, or whose pods are in trouble for longer than
    `patience`, ConflictError for one that somebody deletes meanwhile, and what `failures` has.
    """
    pending = {item.ref: item for item in applied if (await health_check(item)).state is not State.HEALTHY}
    if not pending:
        return
    async with _subscribed(cluster, pending) as (informers, changed):
        pods = Pods({ref.namespace: informer for ref, informer in informers.items() if not ref.name}, patience)
        while True:
            reasons = {}
            for ref in list(pending):
                pending[ref] = _newest(pending[ref], informers[ref])
                verdict = await _verdict(cluster, pending[ref], health_check)
                reasons[ref] = _said(verdict.reason, pods.reason(pending[ref]))
                if verdict.state is State.FAILED:
                    raise FailedTerminalStateError(f"{ref} failed: {reasons[ref]}")
                if verdict.state is State.HEALTHY:
                    del pending[ref], reasons[ref]
                elif trouble := pods.given_up(pending[ref]):
                    raise FailedTerminalStateError(f"{ref} failed: {_said(verdict.reason, trouble)}")
            if not pending:
                return
            on_progress(_summary(reasons))
            await _change(changed)


async def wait_until_gone(cluster: Cluster, deleted: Iterable[Object], on_progress: OnProgress) -> None:
    """Wait until all objects, as they were before, are gone. Raises what `failures` has."""
    pending = {item.ref: item for item in deleted}
    while pending:
        pending = {ref: item for ref, item in pending.items() if not await _is_gone(cluster, item)}
        # A kind may go while its objects do; what is left is looked at again.
        with contextlib.suppress(KindNotFound):
            await _wait_until_gone(cluster, pending, on_progress)


async def _wait_until_gone(cluster: Cluster, pending: dict[ObjectRef, Object], on_progress: OnProgress) -> None:
    async with _subscribed(cluster, pending) as (informers, changed):
        while True:
            for ref, item in list(pending.items()):
                there = informers[ref].get(ref.name)
                # What the informer has not seen yet may be there all the same, so the API has the last word.
                if (there is None or there.uid != item.uid) and await _is_gone(cluster, item):
                    del pending[ref]
            if not pending:
                return
            on_progress(_summary({ref: _holding(informers[ref].get(ref.name)) for ref in pending}))
            await _change(changed)


Subscriptions = tuple[dict[ObjectRef, Informer], asyncio.Event]


@asynccontextmanager
async def _subscribed(cluster: Cluster, pending: dict[ObjectRef, Object]) -> AsyncIterator[Subscriptions]:
    """Follow the kinds of all objects, and the pods behind them; the event is set when one of the objects changes."""
    changed = asyncio.Event()
    informers: dict[ObjectRef, Informer] = {}
    async with AsyncExitStack() as stack:
        for ref in pending:
            kind = await cluster.kind_of(ref)
            informers[ref] = await stack.enter_async_context(cluster.informers.subscribe(kind, ref.namespace))
            stack.enter_context(informers[ref].notify(changed, ref.name))
        for namespace in {item.namespace for item in pending.values() if selector(item)}:
            pods = _POD._replace(namespace=namespace)
            # Pods only say why; who may not read them waits without a reason.
            with contextlib.suppress(KudoError):
                subscription = cluster.informers.subscribe(await cluster.kind_of(pods), namespace, f"{HERITAGE}=kudo")
                informers[pods] = await stack.enter_async_context(subscription)
        yield informers, changed


async def _change(changed: asyncio.Event) -> None:
    """Wait for a change of the objects; after a while look at their pods again all the same."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), PODS)
    changed.clear()


def _newest(item: Object, informer: Informer) -> Object:
    seen = informer.get(item.name)
    if not informer.has_observed(item.resource_version):
        return item
    if seen is None or (item.uid and seen.uid != item.uid):
        raise ConflictError(f"{item.ref} was deleted while the plan waited for it; it will be applied again")
    return seen


async def _verdict(cluster: Cluster, item: Object, health_check: HealthCheck) -> Health:
    verdict = await health_check(item)
    if verdict.state is State.WAITING and item.kind == "PersistentVolumeClaim" and await _binds_late(cluster, item):
        return Health(State.HEALTHY)
    return verdict


async def _binds_late(cluster: Cluster, claim: Object) -> bool:
    """Whether a claim is bound only when a pod uses it, which may be in a later step of the plan."""
    name = claim.text("spec", "storageClassName")
    try:
        found = await cluster.get(ObjectRef("storage.k8s.io/v1", "StorageClass", "", name)) if name else None
    except GraceError:
        return False  # Who may not read storage classes waits for the claim.
    return found is not None and found.text("volumeBindingMode") == "WaitForFirstConsumer"


async def _is_gone(cluster: Cluster, item: Object) -> bool:
    try:
        there = await cluster.get(item.ref)
    except KindNotFound:
        return True  # Its CustomResourceDefinition went, and it with it.
    return there is None or there.uid != item.uid


def _said(reason: str, of_pods: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, (reason, of_pods))))


def _holding(item: Object | None) -> str:
    finalizers = item.manifest["metadata"].get("finalizers") if item else None
    return f"it is being deleted, held by {', '.join(finalizers)}" if finalizers else "it is being deleted"


def _summary(reasons: dict[ObjectRef, str]) -> str:
    shown = [f"{ref}: {reason}" for ref, reason in list(reasons.items())[:SHOWN]]
    more = len(reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
