"""Wait until objects are healthy or deleted."""

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
from kudo.rollout.health import Health, State, final, health
from kudo.rollout.pod_trouble import Pods, selector
from kudo.rollout.warning_events import WarningEvents

OnProgress = Callable[[str], None]
"""Called with a description of the objects that are not ready, whenever that may have changed."""

HealthCheck = Callable[[Object], Awaitable[Health]]
"""Returns the health of an object."""

PODS = 2.0
"""Seconds between two checks of the pods of the objects."""

LOG_LINES = 5
"""Lines of the log of a failed container that an error has."""

LOG_CHARACTERS = 200
"""Characters of each of these lines."""

SHOWN = 3
"""How many of the objects a description names."""

_CLASS_OF_CLAIM = "volume.beta.kubernetes.io/storage-class"
"""The old annotation with the class of a claim, which takes precedence over the field."""

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

_ENDING = ("Job", "Pod")
"""Kinds whose objects end, after which a controller may delete them."""

_POD = ObjectRef("v1", "Pod", "", "")


async def by_kind(item: Object) -> Health:
    """Return the health of an object, by its status and the rule of its kind."""
    return health(item)


async def wait_until_healthy(
    cluster: Cluster,
    applied: Iterable[Object],
    on_progress: OnProgress,
    *,
    health_check: HealthCheck = by_kind,
    patience: timedelta | None = None,
    interval: float = PODS,
) -> None:
    """Wait until all objects, as applying them returned them, are healthy; look at their pods every `interval` seconds.

    Raises FailedTerminalStateError if one has failed, or its pods are in trouble for longer than `patience`,
    ConflictError if one is deleted meanwhile, and the errors of `failures`.
    """
    pending = {item.ref: item for item in applied if (await health_check(item)).state is not State.HEALTHY}
    if not pending:
        return
    async with _subscribed(cluster, pending) as (informers, changed):
        pods = Pods({ref.namespace: informer for ref, informer in informers.items() if not ref.name}, patience)
        events = WarningEvents(cluster)
        reasons: dict[ObjectRef, str] = {}
        observed: set[ObjectRef] = set()
        while True:
            for ref in list(pending):
                item = _newest(pending[ref], informers[ref])
                if item is not pending[ref]:
                    # A wait of hours keeps no copy beside the one of the informer.
                    pending[ref] = item.identity()
                    observed.add(ref)
                elif ref in observed:
                    continue  # The informer has listed an older state than it had before.
                verdict = await _verdict(cluster, item, health_check)
                reasons[ref] = _joined(verdict.reason, await _cause(item, verdict, pods, events))
                if verdict.state is State.FAILED:
                    log = await _last_lines(cluster, item, pods)
                    raise FailedTerminalStateError(f"{ref} failed: {reasons[ref]}{log}")
                if verdict.state is State.HEALTHY:
                    del pending[ref], reasons[ref]
                elif trouble := pods.lasting_trouble(item):
                    log = await _last_lines(cluster, item, pods)
                    raise FailedTerminalStateError(f"{ref} failed: {_joined(verdict.reason, trouble)}{log}")
            if not pending:
                return
            on_progress(_summary(reasons))
            await _change(changed, interval)


async def _cause(item: Object, verdict: Health, pods: Pods, events: WarningEvents) -> str:
    """Return why an object is not healthy: what its pods report, or else the events about it and its pods."""
    if verdict.state is State.HEALTHY:
        return ""
    if reason := pods.reason(item):
        return reason
    at_once = verdict.state is State.FAILED
    if reason := await events.reason(item, at_once=at_once):
        return reason
    pod = pods.not_ready(item)
    if pod is not None and (reason := await events.reason(pod, at_once=at_once)):
        return f"pod {pod.name}: {reason}"
    return ""


async def _last_lines(cluster: Cluster, item: Object, pods: Pods) -> str:
    """Return the last lines of the container that failed, to append to an error; empty if they cannot be read."""
    found = pods.failed(item)
    if found is None:
        return ""
    pod, container, previous = found
    try:
        log = await cluster.log(pod.ref, container, LOG_LINES, previous=previous)
    except KudoError:
        return ""
    lines = [line[:LOG_CHARACTERS] for line in log.splitlines() if line.strip()]
    if not lines:
        return ""
    return "".join([f"; the log of {container} in pod {pod.name} ends with:", *(f"\n  {line}" for line in lines)])


@asynccontextmanager
async def watching_ends(cluster: Cluster, items: Iterable[Object]) -> AsyncIterator[None]:
    """Watch the kinds whose objects may end and be deleted before somebody waits for them, while the body runs.

    Without that, a Job that is deleted as soon as it has ended would run again. Raises the errors of `failures`.
    """
    refs = {item.ref._replace(name="") for item in items if ends_by_itself(item)}
    async with AsyncExitStack() as stack:
        for ref in refs:
            kind = await cluster.kind_of(ref)
            await stack.enter_async_context(cluster.informers.subscribe(kind, ref.namespace))
        yield


def ends_by_itself(item: Object) -> bool:
    """Whether an object is of a kind that ends, after which it may be deleted."""
    return item.kind in _ENDING


async def wait_until_gone(cluster: Cluster, deleted: Iterable[Object], on_progress: OnProgress) -> None:
    """Wait until all objects with these UIDs are deleted. Raises the errors of `failures`."""
    pending = {item.ref: item for item in deleted}
    while pending:
        pending = {ref: item for ref, item in pending.items() if not await _is_gone(cluster, item)}
        # A kind may be deleted together with its objects; the remaining ones are checked again.
        with contextlib.suppress(KindNotFound):
            await _wait_until_gone(cluster, pending, on_progress)


async def _wait_until_gone(cluster: Cluster, pending: dict[ObjectRef, Object], on_progress: OnProgress) -> None:
    async with _subscribed(cluster, pending) as (informers, changed):
        while True:
            for ref, item in list(pending.items()):
                live = informers[ref].get(ref.name)
                # The informer may not have observed the object yet, so the API decides.
                if (live is None or live.uid != item.uid) and await _is_gone(cluster, item):
                    del pending[ref]
            if not pending:
                return
            on_progress(_summary({ref: _holding(informers[ref].get(ref.name)) for ref in pending}))
            await _change(changed)


Subscriptions = tuple[dict[ObjectRef, Informer], asyncio.Event]


@asynccontextmanager
async def _subscribed(cluster: Cluster, pending: dict[ObjectRef, Object]) -> AsyncIterator[Subscriptions]:
    """Subscribe to the kinds of all objects and to their pods; the event is set when one of the objects changes."""
    changed = asyncio.Event()
    informers: dict[ObjectRef, Informer] = {}
    async with AsyncExitStack() as stack:
        for ref in pending:
            kind = await cluster.kind_of(ref)
            informers[ref] = await stack.enter_async_context(cluster.informers.subscribe(kind, ref.namespace))
            stack.enter_context(informers[ref].notify(changed, ref.name))
        for namespace in {item.namespace for item in pending.values() if selector(item)}:
            pods = _POD._replace(namespace=namespace)
            # Pods only add reasons, so the wait works without permission to read them.
            with contextlib.suppress(KudoError):
                subscription = cluster.informers.subscribe(await cluster.kind_of(pods), namespace, f"{HERITAGE}=kudo")
                informers[pods] = await stack.enter_async_context(subscription)
        yield informers, changed


async def _change(changed: asyncio.Event, interval: float = PODS) -> None:
    """Wait until one of the objects changes, or it is time to check their pods again."""
    # Not asyncio.wait_for: in Python 3.11, it loses a cancel that arrives together with the change.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(interval):
            await changed.wait()
    changed.clear()


def _newest(item: Object, informer: Informer) -> Object:
    seen = informer.get(item.name)
    if not informer.has_observed(item.resource_version):
        return item
    if seen is None or (item.uid and seen.uid != item.uid):
        last = informer.deleted(item.uid)
        if last is not None and final(last):
            return last
        raise ConflictError(f"{item.ref} was deleted while the plan waited for it; it will be applied again")
    return seen


async def _verdict(cluster: Cluster, item: Object, health_check: HealthCheck) -> Health:
    verdict = await health_check(item)
    if verdict.state is State.WAITING and item.kind == "PersistentVolumeClaim" and await _binds_late(cluster, item):
        return Health(State.HEALTHY)
    if (
        verdict.state is State.HEALTHY
        and item.kind == "CustomResourceDefinition"
        and not await _is_served(cluster, item)
    ):
        return Health(State.WAITING, "the API does not serve its kind yet")
    return verdict


async def _is_served(cluster: Cluster, crd: Object) -> bool:
    """Whether the API serves the kind of a definition; it may do so a moment after the definition is established."""
    versions = [version.text("name") for version in crd.children("spec", "versions") if version.flag("served")]
    group, kind = crd.text("spec", "group"), crd.text("spec", "names", "kind")
    try:
        for version in versions:
            await cluster.kind_of(ObjectRef(f"{group}/{version}", kind, "", ""))
    except KindNotFound:
        return False
    return True


async def _binds_late(cluster: Cluster, claim: Object) -> bool:
    """Whether a claim is bound only when a pod uses it, which may be a pod of a later step."""
    try:
        found = await _classes_of(cluster, claim)
    except GraceError:
        return False  # Without permission to read storage classes, wait for the claim.
    return any(item.text("volumeBindingMode") == "WaitForFirstConsumer" for item in found)


async def _classes_of(cluster: Cluster, claim: Object) -> list[Object]:
    """Return the storage class of a claim, or the default ones if it names none; nothing for an empty name."""
    name = claim.annotations.get(_CLASS_OF_CLAIM, claim.text("spec", "storageClassName"))
    if name:
        named = await cluster.get(ObjectRef("storage.k8s.io/v1", "StorageClass", "", name))
        return [named] if named else []
    if claim.has("spec", "storageClassName"):
        return []
    classes = await cluster.list("storage.k8s.io/v1", "StorageClass")
    return [item for item in classes if item.annotations.get(_DEFAULT_CLASS) == "true"]


async def _is_gone(cluster: Cluster, item: Object) -> bool:
    try:
        live = await cluster.get(item.ref)
    except KindNotFound:
        return True  # It was deleted with its CustomResourceDefinition.
    return live is None or live.uid != item.uid


def _joined(reason: str, of_pods: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, (reason, of_pods))))


def _holding(item: Object | None) -> str:
    finalizers = item.manifest["metadata"].get("finalizers") if item else None
    return (
        f"it is being deleted; remaining finalizers: {', '.join(finalizers)}" if finalizers else "it is being deleted"
    )


def _summary(reasons: dict[ObjectRef, str]) -> str:
    shown = [f"{ref}: {reason}" for ref, reason in list(reasons.items())[:SHOWN]]
    more = len(reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
