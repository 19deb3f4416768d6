"""The tasks Apply, Delete and Toggle, which apply and delete objects.

    apply -> batches -> applied -> healthy                          -> "3 objects healthy"
                                -> not yet, for longer than a limit -> LongWait -> wait -> healthy
                                                                                        -> deleted -> apply

A wait writes nothing, so that a cancelled one may go on until its next heartbeat.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sized
from functools import partial
from typing import Literal

from temporalio import activity

from kudo.activities.attempt import Attempt, attempting_task
from kudo.activities.context import ActivityContext
from kudo.errors import ConflictError, TaskBuildError
from kudo.instances.parameters import is_on
from kudo.instances.resources import RecentInstances
from kudo.kubernetes import Cluster
from kudo.manifests import enhance_all, or_as_defined, render_objects
from kudo.model.execution import LongWait, TaskRequest, WaitedObject
from kudo.model.objects import Object
from kudo.model.tasks import ApplyTask, DeleteTask, ToggleTask
from kudo.rollout import (
    AnnotationRules,
    apply_or_recreate,
    ends_by_itself,
    wait_until_gone,
    wait_until_healthy,
    watching_ends,
    with_dependency_hashes,
)
from kudo.rollout.apply_order import batches
from kudo.rollout.create_once import find_kept
from kudo.rollout.ownership import claim, find_own

LONG_INTERVAL = 10.0
"""Seconds between two checks of the pods of an object that is waited for since long."""


class ResourceActivities:
    """Activities that apply and delete rendered objects."""

    def __init__(self, context: ActivityContext) -> None:
        self._context = context
        self._cluster = context.cluster
        self._renderer = context.renderer
        self._adopt = context.adopt
        self._instances = RecentInstances()
        self._wait_until_healthy = partial(
            wait_until_healthy,
            health_check=AnnotationRules(context.renderer),
            patience=context.pod_patience,
        )

    @activity.defn
    async def apply(self, request: TaskRequest) -> str | LongWait:
        """Apply the objects of a task, and wait until all are healthy."""
        async with attempting_task(request, self._context) as attempt:
            if not isinstance(request.task, ApplyTask):
                raise TaskBuildError(f"The task {request.task.name} is not an Apply task.")
            return await self._apply(request, request.task.spec.resources, attempt)

    @activity.defn
    async def delete(self, request: TaskRequest) -> str | LongWait:
        """Delete the objects of a task, and wait until all are deleted."""
        async with attempting_task(request, self._context) as attempt:
            if not isinstance(request.task, DeleteTask):
                raise TaskBuildError(f"The task {request.task.name} is not a Delete task.")
            return await self._delete(request, request.task.spec.resources, attempt)

    @activity.defn
    async def toggle(self, request: TaskRequest) -> str | LongWait:
        """Apply or delete the objects of a task, depending on a parameter."""
        async with attempting_task(request, self._context) as attempt:
            if not isinstance(request.task, ToggleTask):
                raise TaskBuildError(f"The task {request.task.name} is not a Toggle task.")
            resources = request.task.spec.resources
            if is_on(request.task, request.params):
                return await self._apply(request, resources, attempt)
            return await self._delete(request, resources, attempt)

    @activity.defn
    async def wait(self, request: LongWait) -> bool:
        """Continue the wait of a task; return False if an object has to be applied again, because it was deleted."""
        async with attempting_task(request, self._context) as attempt:
            attempt.waiting_for(request.reported_wait or f"{_count(request.objects)} to be {request.until}")
            cluster = self._context.cluster_for(request.metadata)
            if request.until == "deleted":
                await wait_until_gone(cluster, map(_identified, request.objects), attempt.waiting_for)
                return True
            live = await _read_live(cluster, request.objects)
            if len(live) < len(request.objects):
                return False
            try:
                await self._wait_until_healthy(cluster, _drained(live), attempt.waiting_for, interval=LONG_INTERVAL)
            except ConflictError:
                return False
            return True

    async def _apply(self, request: TaskRequest, resources: Iterable[str], attempt: Attempt) -> str | LongWait:
        cluster = self._context.cluster_for(request.metadata)
        instance = await self._instances.require(cluster, request.metadata)
        attempt.doing("rendering templates")
        rendered = await render_objects(self._renderer, request, resources)
        # Reports what is wrong with any object before one is applied.
        await enhance_all(rendered, request, or_as_defined(cluster.namespaced, rendered))
        announce = partial(self._announce, request, instance, attempt)
        prerequisites, others = batches(rendered)
        for batch in prerequisites, others:
            # The kinds that the first batch defines are served now, and the API says how.
            objects = await enhance_all(batch, request, cluster.namespaced)
            objects = await claim(cluster, objects, adopt=self._adopt)
            kept = await find_kept(cluster, objects)
            objects = [kept.get(item.ref, item) for item in objects]
            applied = []
            async with watching_ends(cluster, objects):
                for item in await with_dependency_hashes(cluster.get, objects):
                    if item.ref in kept:
                        applied.append(item)
                        continue
                    attempt.doing(f"applying {item.ref}")
                    applied.append(await apply_or_recreate(cluster, item, attempt.waiting_for, announce))
                healthy = self._wait_until_healthy(cluster, applied, attempt.waiting_for)
                # An object that ends may be deleted before the next activity watches it, and would then run again.
                is_bounded = batch is others and not any(map(ends_by_itself, applied))
                if not await self._ends_in_time(healthy, is_bounded):
                    return _long_wait(request, "healthy", applied, attempt)
        return f"{_count(rendered)} healthy"

    async def _announce(self, request: TaskRequest, instance: Object, attempt: Attempt, text: str) -> None:
        """Report that an object is about to be deleted, in the heartbeat and as an event of the Instance."""
        attempt.doing(text)
        key = f"{request.metadata.plan_uid}/{request.phase}/{request.step}/{text}"
        await self._cluster.record_event(instance, key, "Normal", "ObjectRecreated", text)

    async def _ends_in_time(self, wait: Awaitable[None], is_bounded: bool) -> bool:
        """Wait, but if it is bounded only for `wait_limit`; return whether the wait ended."""
        try:
            async with asyncio.timeout(self._context.wait_limit.total_seconds() if is_bounded else None) as limit:
                await wait
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        return True

    async def _delete(self, request: TaskRequest, resources: Iterable[str], attempt: Attempt) -> str | LongWait:
        attempt.doing("rendering templates")
        cluster = self._context.cluster_for(request.metadata)
        rendered = await render_objects(self._renderer, request, resources)
        # There are no objects of a kind that the API does not serve.
        objects = await enhance_all(rendered, request, or_as_defined(cluster.namespaced, (), default=True))
        live = await find_own(cluster, objects, adopt=self._adopt)
        for item in live:
            attempt.doing(f"deleting {item.ref}")
            await cluster.delete(item.ref, uid=item.uid)
        if not await self._ends_in_time(wait_until_gone(cluster, live, attempt.waiting_for), is_bounded=True):
            return _long_wait(request, "deleted", live, attempt)
        return f"{_count(objects)} deleted"


def _long_wait(
    request: TaskRequest, until: Literal["healthy", "deleted"], objects: Iterable[Object], attempt: Attempt
) -> LongWait:
    return LongWait(
        phase=request.phase,
        step=request.step,
        task=request.task,
        metadata=request.metadata,
        until=until,
        objects=[WaitedObject.of(item) for item in objects],
        reported_wait=attempt.hand_over(),
        deadline=request.deadline,
    )


async def _read_live(cluster: Cluster, objects: Iterable[WaitedObject]) -> list[Object]:
    """Read objects, except those that were deleted since."""
    found = [(item, await cluster.get(item.ref)) for item in objects]
    return [live for item, live in found if live is not None and live.uid == item.uid]


def _drained(items: list[Object]) -> Iterator[Object]:
    """Yield objects and forget them, so that a wait of hours keeps none beside the one of the informer."""
    while items:
        yield items.pop()


def _identified(item: WaitedObject) -> Object:
    """Return an object with nothing but its identity."""
    metadata = {"namespace": item.namespace, "name": item.name, "uid": item.uid}
    return Object.of(item.api_version, item.kind, metadata)


def _count(objects: Sized) -> str:
    return "1 object" if len(objects) == 1 else f"{len(objects)} objects"
