"""The task Pipe: files that a pod writes become Secrets and ConfigMaps for later tasks."""

from collections.abc import Sequence
from functools import partial

from temporalio import activity

from kudo.activities.attempt import Attempt, attempting, attempting_task
from kudo.activities.context import ActivityContext
from kudo.errors import (
    FailedTerminalStateError,
    KindNotFound,
    PipePodLost,
    PipeTaskError,
    ResourceValidationError,
)
from kudo.instances.resources import require_instance
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER, artifact, build_pipe_pod, pipe_pod_ref, pipe_task
from kudo.model.annotations import INSTANCE, PLAN_UID
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object, ObjectRef
from kudo.rollout import wait_until_gone, wait_until_healthy
from kudo.rollout.ownership import check_own, claim

MAX_FILE = 1024 * 1024
"""The maximum size of a file in bytes: a Secret or ConfigMap cannot hold more."""

KILLED = 128
"""Exit codes above this one are of commands that a signal ended."""


class PipeActivities:
    """Activities that run the pods of Pipe tasks, and delete them afterwards."""

    def __init__(self, context: ActivityContext) -> None:
        self._context = context
        self._wait_until_healthy = partial(wait_until_healthy, patience=context.pod_patience)
        self._cluster = context.cluster
        self._renderer = context.renderer
        self._grace = context.grace
        self._image = context.pipe_image
        self._adopt = context.adopt

    @activity.defn
    async def pipe(self, request: TaskRequest) -> str:
        """Run the pod of a task, and create artifacts from its files (KUDO's `engine/task/task_pipe.go`)."""
        async with attempting_task(request, self._context) as attempt:
            cluster = self._context.cluster_for(request.metadata)
            await require_instance(cluster, request.metadata)
            attempt.doing("rendering templates")
            pod = await build_pipe_pod(self._renderer, request, self._image)
            await self._run_pod(cluster, pod, request, attempt)
            artifacts = []
            for file in pipe_task(request).spec.pipe:
                attempt.doing(f"copying {file.path} out of {pod.ref}")
                artifacts.append(artifact(request, file, await self._content(cluster, pod.ref, file.path)))
            for item in await claim(cluster, artifacts, adopt=self._adopt):
                attempt.doing(f"applying {item.ref}")
                await cluster.apply(item)
            return ", ".join(f"{item.kind} {item.name}" for item in artifacts)

    async def _run_pod(self, cluster: Cluster, pod: Object, request: TaskRequest, attempt: Attempt) -> None:
        """Run the pod until its files exist; a pod of another run is deleted first, because its files may be stale."""
        live = await cluster.get(pod.ref)
        if live is not None and live.labels.get(INSTANCE) not in (None, request.metadata.instance_name):
            raise PipeTaskError(
                f"{pod.ref} belongs to the instance {live.labels[INSTANCE]}, whose name differs only in characters "
                "that the names of pipes do not contain. Rename one of the instances."
            )
        if live is not None:
            check_own(pod, live, adopt=self._adopt)
        if live is not None and (live.annotations.get(PLAN_UID) != request.metadata.plan_uid or _is_over(live)):
            attempt.doing(f"deleting {pod.ref} of an earlier attempt")
            await cluster.delete(pod.ref, uid=live.uid)
            await wait_until_gone(cluster, [live], attempt.waiting_for)
        attempt.doing(f"applying {pod.ref}")
        try:
            await self._wait_until_healthy(cluster, [await cluster.apply(pod)], attempt.waiting_for)
        except FailedTerminalStateError as error:
            live = await cluster.get(pod.ref)
            if live is not None and not _is_over(live):
                raise
            # Its containers are restarted until they succeed, so the node has failed.
            raise PipePodLost(f"{error}; the pod is recreated") from None

    async def _content(self, cluster: Cluster, pod: ObjectRef, path: str) -> bytes:
        size = (await self._output(cluster, pod, ["stat", "-L", "-c", "%s", path])).decode().strip()
        content = await self._output(cluster, pod, ["cat", path]) if int(size) <= MAX_FILE else b""
        if max(int(size), len(content)) > MAX_FILE:
            raise PipeTaskError(f"{path} has {size} bytes; the limit for a file of a Pipe task is {MAX_FILE}.")
        return content

    async def _output(self, cluster: Cluster, pod: ObjectRef, command: Sequence[str]) -> bytes:
        try:
            result = await cluster.execute(pod, WAITER, command, MAX_FILE)
        except (KindNotFound, ResourceValidationError):
            await self._require_running(cluster, pod)
            raise
        if result.code > KILLED:
            await self._require_running(cluster, pod)
        if result.code:
            raise PipeTaskError(
                f"`{' '.join(command)}` in {pod} failed: exit code {result.code}"
                + (f": {result.complaint}" if result.complaint else " (no stderr output)")
            )
        return result.output

    async def _require_running(self, cluster: Cluster, pod: ObjectRef) -> None:
        """Raise PipePodLost if the pod failed, and not the command."""
        live = await cluster.get(pod)
        if live is None or _is_over(live):
            raise PipePodLost(f"{pod} ended before its files were copied; the pod is recreated")

    @activity.defn
    async def remove_pipe_pod(self, request: TaskRequest) -> None:
        """Delete the pod of a task, however the task ended."""
        async with attempting(self._grace):
            cluster = self._context.cluster_for(request.metadata)
            live = await cluster.get(pipe_pod_ref(request))
            if live is not None and live.labels.get(INSTANCE) == request.metadata.instance_name:
                await cluster.delete(live.ref, uid=live.uid)


def _is_over(pod: Object) -> bool:
    return pod.terminating or pod.text("status", "phase") in ("Succeeded", "Failed")
