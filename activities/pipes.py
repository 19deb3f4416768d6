"""The task Pipe: files that a pod makes become Secrets and ConfigMaps for later tasks."""

from collections.abc import Sequence
from functools import partial

from temporalio import activity

from activities.attempt import Attempt, attempting, attempting_task
from activities.context import ActivityContext
from kudo.errors import (
    FailedTerminalStateError,
    KindNotFound,
    PipePodLost,
    PipeTaskError,
    ResourceValidationError,
)
from kudo.instances.resources import require_instance
from kudo.manifests.pipes import WAITER, artifact, build_pipe_pod, pipe_pod_ref, pipe_task
from kudo.model.annotations import INSTANCE, PLAN_UID
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object, ObjectRef
from kudo.rollout import wait_until_gone, wait_until_healthy

MAX_FILE = 1024 * 1024
"""Bytes of a file: a Secret or ConfigMap could not hold more."""

KILLED = 128
"""Exit codes above are of commands that a signal has ended."""


class PipeActivities:
    """Activities that run the pods of Pipe tasks, and delete them afterwards."""

    def __init__(self, context: ActivityContext) -> None:
        self._wait_until_healthy = partial(wait_until_healthy, context.cluster, patience=context.pod_patience)
        self._cluster = context.cluster
        self._renderer = context.renderer
        self._grace = context.grace
        self._image = context.pipe_image

    @activity.defn
    async def pipe(self, request: TaskRequest) -> str:
        """Run the pod of a task, and make artifacts of its files (KUDO's `engine/task/task_pipe.go`)."""
        async with attempting_task(request, self._grace) as attempt:
            await require_instance(self._cluster, request.metadata)
            attempt.doing("rendering templates")
            pod = await build_pipe_pod(self._renderer, request, self._image)
            await self._run_pod(pod, request, attempt)
            artifacts = []
            for file in pipe_task(request).spec.pipe:
                attempt.doing(f"copying {file.path} out of {pod.ref}")
                artifacts.append(artifact(request, file, await self._content(pod.ref, file.path)))
            for item in artifacts:
                attempt.doing(f"applying {item.ref}")
                await self._cluster.apply(item)
            return ", ".join(f"{item.kind} {item.name}" for item in artifacts)

    async def _run_pod(self, pod: Object, request: TaskRequest, attempt: Attempt) -> None:
        """Wait until the files are there. One that another run has left behind cannot be trusted to have made them."""
        there = await self._cluster.get(pod.ref)
        if there is not None and there.labels.get(INSTANCE) not in (None, request.metadata.instance_name):
            raise PipeTaskError(
                f"{pod.ref} is of the instance {there.labels[INSTANCE]}: the names of the two differ in signs alone, "
                "which the names of pipes do not have. Choose another name for one."
            )
        if there is not None and (there.annotations.get(PLAN_UID) != request.metadata.plan_uid or _is_over(there)):
            attempt.doing(f"deleting {pod.ref}, which is left of before")
            await self._cluster.delete(pod.ref, uid=there.uid)
            await wait_until_gone(self._cluster, [there], attempt.waiting_for)
        attempt.doing(f"applying {pod.ref}")
        try:
            await self._wait_until_healthy([await self._cluster.apply(pod)], attempt.waiting_for)
        except FailedTerminalStateError as error:
            there = await self._cluster.get(pod.ref)
            if there is not None and not _is_over(there):
                raise
            # Its containers are started again until they succeed, so it was the machine that failed.
            raise PipePodLost(f"{error}; another pod is made") from None

    async def _content(self, pod: ObjectRef, path: str) -> bytes:
        size = (await self._output(pod, ["stat", "-L", "-c", "%s", path])).decode().strip()
        content = await self._output(pod, ["cat", path]) if int(size) <= MAX_FILE else b""
        if max(int(size), len(content)) > MAX_FILE:
            raise PipeTaskError(f"{path} has {size} bytes, and a file of a Pipe task may have {MAX_FILE}.")
        return content

    async def _output(self, pod: ObjectRef, command: Sequence[str]) -> bytes:
        try:
            result = await self._cluster.execute(pod, WAITER, command, MAX_FILE)
        except (KindNotFound, ResourceValidationError):
            await self._require_running(pod)
            raise
        if result.code > KILLED:
            await self._require_running(pod)
        if result.code:
            raise PipeTaskError(
                f"`{' '.join(command)}` in {pod} ended with exit code {result.code}: {result.complaint or 'no words'}"
            )
        return result.output

    async def _require_running(self, pod: ObjectRef) -> None:
        """Raise PipePodLost where it was the machine that failed, and not the command."""
        there = await self._cluster.get(pod)
        if there is None or _is_over(there):
            raise PipePodLost(f"{pod} went before its files were copied; another pod is made")

    @activity.defn
    async def remove_pipe_pod(self, request: TaskRequest) -> None:
        """Delete the pod of a task, whatever became of the task."""
        async with attempting(self._grace):
            there = await self._cluster.get(pipe_pod_ref(request))
            if there is not None and there.labels.get(INSTANCE) == request.metadata.instance_name:
                await self._cluster.delete(there.ref, uid=there.uid)


def _is_over(pod: Object) -> bool:
    return pod.terminating or pod.text("status", "phase") in ("Succeeded", "Failed")
