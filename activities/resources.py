"""The tasks Apply, Delete and Toggle, which apply and delete objects."""

from collections.abc import Iterable
from functools import partial

from temporalio import activity

from activities.attempt import Attempt, attempting_task
from activities.context import ActivityContext
from kudo.errors import TaskBuildError
from kudo.instances.parameters import is_on
from kudo.instances.resources import require_instance
from kudo.manifests import build
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object
from kudo.model.tasks import ApplyTask, DeleteTask, ToggleTask
from kudo.rollout import AnnotationRules, apply_or_recreate, wait_until_gone, wait_until_healthy, with_dependency_hashes
from kudo.rollout.apply_order import batches


class ResourceActivities:
    """Activities that apply and delete rendered objects."""

    def __init__(self, context: ActivityContext) -> None:
        self._cluster = context.cluster
        self._renderer = context.renderer
        self._grace = context.grace
        self._wait_until_healthy = partial(
            wait_until_healthy,
            context.cluster,
            health_check=AnnotationRules(context.renderer),
            patience=context.pod_patience,
        )

    @activity.defn
    async def apply(self, request: TaskRequest) -> str:
        """Apply the objects of a task, and wait until all are healthy."""
        async with attempting_task(request, self._grace) as attempt:
            if not isinstance(request.task, ApplyTask):
                raise TaskBuildError(f"The task {request.task.name} is not an Apply task.")
            return await self._apply(request, request.task.spec.resources, attempt)

    @activity.defn
    async def delete(self, request: TaskRequest) -> str:
        """Delete the objects of a task, and wait until all are deleted."""
        async with attempting_task(request, self._grace) as attempt:
            if not isinstance(request.task, DeleteTask):
                raise TaskBuildError(f"The task {request.task.name} is not a Delete task.")
            return await self._delete(request, request.task.spec.resources, attempt)

    @activity.defn
    async def toggle(self, request: TaskRequest) -> str:
        """Apply or delete the objects of a task, depending on a parameter."""
        async with attempting_task(request, self._grace) as attempt:
            if not isinstance(request.task, ToggleTask):
                raise TaskBuildError(f"The task {request.task.name} is not a Toggle task.")
            resources = request.task.spec.resources
            if is_on(request.task, request.params):
                return await self._apply(request, resources, attempt)
            return await self._delete(request, resources, attempt)

    async def _apply(self, request: TaskRequest, resources: Iterable[str], attempt: Attempt) -> str:
        instance = await require_instance(self._cluster, request.metadata)
        attempt.doing("rendering templates")
        objects = await build(self._renderer, request, resources, self._cluster.namespaced)
        announce = partial(self._announce, request, instance, attempt)
        for batch in batches(objects):
            applied = []
            for item in await with_dependency_hashes(self._cluster.get, batch):
                attempt.doing(f"applying {item.ref}")
                applied.append(await apply_or_recreate(self._cluster, item, attempt.waiting_for, announce))
            await self._wait_until_healthy(applied, attempt.waiting_for)
        return f"{_count(objects)} healthy"

    async def _announce(self, request: TaskRequest, instance: Object, attempt: Attempt, text: str) -> None:
        """Report that an object is about to be deleted, in the heartbeat and as an event of the Instance."""
        attempt.doing(text)
        key = f"{request.metadata.plan_uid}/{request.phase}/{request.step}/{text}"
        await self._cluster.record_event(instance, key, "Normal", "ObjectRecreated", text)

    async def _delete(self, request: TaskRequest, resources: Iterable[str], attempt: Attempt) -> str:
        attempt.doing("rendering templates")
        objects = await build(self._renderer, request, resources, self._cluster.namespaced_if_known)
        live = [found for item in objects if (found := await self._cluster.find(item.ref)) is not None]
        for item in live:
            attempt.doing(f"deleting {item.ref}")
            await self._cluster.delete(item.ref, uid=item.uid)
        await wait_until_gone(self._cluster, live, attempt.waiting_for)
        return f"{_count(objects)} deleted"


def _count(objects: list[Object]) -> str:
    return "1 object" if len(objects) == 1 else f"{len(objects)} objects"
