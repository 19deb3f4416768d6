"""Wait for objects to be healthy, or gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from kudo.cluster.cluster import Cluster
from kudo.cluster.health import Health, State, health
from kudo.cluster.pods import Pods, selector
from kudo.cluster.watches import Watch
from kudo.errors import ConflictError, FailedTerminalStateError, GraceError, KindNotFound, KudoError
from kudo.manifests import HERITAGE
from kudo.model.objects import Object, ObjectRef

Say = Callable[[str], None]
"""Told what is being waited for, whenever that may have changed."""

Judge = Callable[[Object], Awaitable[Health]]
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
    say: Say,
    *,
    judge: Judge = by_kind,
    patience: timedelta | None = None,
) -> None:
    """Wait until all objects, as applying them returned them, are healthy.

    Raises FailedTerminalStateError for one that never will be, or whose pods are in trouble for longer than
    `patience`, ConflictError for one that somebody deletes meanwhile, and what `failures` has.
    """
    pending = {item.ref: item for item in applied if (await judge(item)).state is not State.HEALTHY}
    if not pending:
        return
    async with _watching(cluster, pending) as (watches, woken):
        pods = Pods({ref.namespace: watch for ref, watch in watches.items() if not ref.name}, patience)
        while True:
            reasons = {}
            for ref in list(pending):
                pending[ref] = _newest(pending[ref], watches[ref])
                verdict = await _verdict(cluster, pending[ref], judge)
                reasons[ref] = _said(verdict.reason, pods.reason(pending[ref]))
                if verdict.state is State.FAILED:
                    raise FailedTerminalStateError(f"{ref} failed: {reasons[ref]}")
                if verdict.state is State.HEALTHY:
                    del pending[ref], reasons[ref]
                elif trouble := pods.given_up(pending[ref]):
                    raise FailedTerminalStateError(f"{ref} failed: {_said(verdict.reason, trouble)}")
            if not pending:
                return
            say(_summary(reasons))
            await _change(woken)


async def wait_until_gone(cluster: Cluster, deleted: Iterable[Object], say: Say) -> None:
    """Wait until all objects, as they were before, are gone. Raises what `failures` has."""
    pending = {item.ref: item for item in deleted}
    while pending:
        pending = {ref: item for ref, item in pending.items() if not await _is_gone(cluster, item)}
        # A kind may go while its objects do; what is left is looked at again.
        with contextlib.suppress(KindNotFound):
            await _wait_until_gone(cluster, pending, say)


async def _wait_until_gone(cluster: Cluster, pending: dict[ObjectRef, Object], say: Say) -> None:
    async with _watching(cluster, pending) as (watches, woken):
        while True:
            for ref, item in list(pending.items()):
                there = watches[ref].get(ref.name)
                # What the watch has not seen yet may be there all the same, so the API has the last word.
                if (there is None or there.uid != item.uid) and await _is_gone(cluster, item):
                    del pending[ref]
            if not pending:
                return
            say(_summary({ref: _holding(watches[ref].get(ref.name)) for ref in pending}))
            await _change(woken)


Watching = tuple[dict[ObjectRef, Watch], asyncio.Event]


@asynccontextmanager
async def _watching(cluster: Cluster, pending: dict[ObjectRef, Object]) -> AsyncIterator[Watching]:
    """Follow the kinds of all objects, and the pods behind them; the event is set when one of the objects changes."""
    woken = asyncio.Event()
    watches: dict[ObjectRef, Watch] = {}
    async with AsyncExitStack() as stack:
        for ref in pending:
            kind = await cluster.kind_of(ref)
            watches[ref] = await stack.enter_async_context(cluster.watches.follow(kind, ref.namespace))
            stack.enter_context(watches[ref].waking(woken, ref.name))
        for namespace in {item.namespace for item in pending.values() if selector(item)}:
            pods = _POD._replace(namespace=namespace)
            # Pods only say why; who may not read them waits without a reason.
            with contextlib.suppress(KudoError):
                follow = cluster.watches.follow(await cluster.kind_of(pods), namespace, f"{HERITAGE}=kudo")
                watches[pods] = await stack.enter_async_context(follow)
        yield watches, woken


async def _change(woken: asyncio.Event) -> None:
    """Wait for a change of the objects; after a while look at their pods again all the same."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(woken.wait(), PODS)
    woken.clear()


def _newest(item: Object, watch: Watch) -> Object:
    seen = watch.get(item.name)
    if not watch.saw(item.resource_version):
        return item
    if seen is None or (item.uid and seen.uid != item.uid):
        raise ConflictError(f"{item.ref} was deleted while the plan waited for it; it will be applied again")
    return seen


async def _verdict(cluster: Cluster, item: Object, judge: Judge) -> Health:
    verdict = await judge(item)
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
