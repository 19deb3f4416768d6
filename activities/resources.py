"""The tasks Apply, Delete and Toggle, which apply and delete objects."""

from collections.abc import Iterable
from functools import partial

from temporalio import activity

from kudo.activities.attempt import Attempt, attempting_task
from kudo.activities.context import ActivityContext
from kudo.errors import TaskBuildError
from kudo.instances.parameters import is_on
from kudo.instances.resources import RecentInstances
from kudo.manifests import enhance_all, or_as_defined, render_objects
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object
from kudo.model.tasks import ApplyTask, DeleteTask, ToggleTask
from kudo.rollout import (
    AnnotationRules,
    apply_or_recreate,
    wait_until_gone,
    wait_until_healthy,
    watching_ends,
    with_dependency_hashes,
)
from kudo.rollout.apply_order import batches
from kudo.rollout.create_once import find_kept
from kudo.rollout.ownership import claim, find_own


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
    async def apply(self, request: TaskRequest) -> str:
        """Apply the objects of a task, and wait until all are healthy."""
        async with attempting_task(request, self._context) as attempt:
            if not isinstance(request.task, ApplyTask):
                raise TaskBuildError(f"The task {request.task.name} is not an Apply task.")
            return await self._apply(request, request.task.spec.resources, attempt)

    @activity.defn
    async def delete(self, request: TaskRequest) -> str:
        """Delete the objects of a task, and wait until all are deleted."""
        async with attempting_task(request, self._context) as attempt:
            if not isinstance(request.task, DeleteTask):
                raise TaskBuildError(f"The task {request.task.name} is not a Delete task.")
            return await self._delete(request, request.task.spec.resources, attempt)

    @activity.defn
    async def toggle(self, request: TaskRequest) -> str:
        """Apply or delete the objects of a task, depending on a parameter."""
        async with attempting_task(request, self._context) as attempt:
            if not isinstance(request.task, ToggleTask):
                raise TaskBuildError(f"The task {request.task.name} is not a Toggle task.")
            resources = request.task.spec.resources
            if is_on(request.task, request.params):
                return await self._apply(request, resources, attempt)
            return await self._delete(request, resources, attempt)

    async def _apply(self, request: TaskRequest, resources: Iterable[str], attempt: Attempt) -> str:
        cluster = self._context.cluster_for(request.metadata)
        instance = await self._instances.require(cluster, request.metadata)
        attempt.doing("rendering templates")
        rendered = await render_objects(self._renderer, request, resources)
        # Reports what is wrong with any object before one is applied.
        await enhance_all(rendered, request, or_as_defined(cluster.namespaced, rendered))
        announce = partial(self._announce, request, instance, attempt)
        for batch in batches(rendered):
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
                await self._wait_until_healthy(cluster, applied, attempt.waiting_for)
        return f"{_count(rendered)} healthy"

    async def _announce(self, request: TaskRequest, instance: Object, attempt: Attempt, text: str) -> None:
        """Report that an object is about to be deleted, in the heartbeat and as an event of the Instance."""
        attempt.doing(text)
        key = f"{request.metadata.plan_uid}/{request.phase}/{request.step}/{text}"
        await self._cluster.record_event(instance, key, "Normal", "ObjectRecreated", text)

    async def _delete(self, request: TaskRequest, resources: Iterable[str], attempt: Attempt) -> str:
        attempt.doing("rendering templates")
        cluster = self._context.cluster_for(request.metadata)
        rendered = await render_objects(self._renderer, request, resources)
        # There are no objects of a kind that the API does not serve.
        objects = await enhance_all(rendered, request, or_as_defined(cluster.namespaced, (), default=True))
        live = await find_own(cluster, objects, adopt=self._adopt)
        for item in live:
            attempt.doing(f"deleting {item.ref}")
            await cluster.delete(item.ref, uid=item.uid)
        await wait_until_gone(cluster, live, attempt.waiting_for)
        return f"{_count(objects)} deleted"


def _count(objects: list[Object]) -> str:
    return "1 object" if len(objects) == 1 else f"{len(objects)} objects"
