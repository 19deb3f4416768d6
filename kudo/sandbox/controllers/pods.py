"""Pods: from Pending to Running or Succeeded, or to the failure that the rollout annotation selects."""

import time
from collections.abc import Iterator

from kudo.sandbox.api import Api
from kudo.sandbox.controllers.cluster import NODE
from kudo.sandbox.controllers.controller import ROLLOUT_ANNOTATION, Controller
from kudo.sandbox.controllers.podstatus import (
    finished,
    is_over,
    is_ready,
    running,
    unschedulable,
    waiting,
)
from kudo.sandbox.objects import Object, dig, name_of, namespace_of, owners_of, uid_of
from kudo.sandbox.store import Change, Ref

_VOLUMES = (
    # (volume source, field with the name, resource)
    ("configMap", "name", "configmaps"),
    ("secret", "secretName", "secrets"),
    ("persistentVolumeClaim", "claimName", "persistentvolumeclaims"),
)
_SOURCE_KEYS = frozenset(key for _, _, key in _VOLUMES)
_MAX_RESTARTS = 5
"""Restarts after which a failing pod is no longer updated."""


class Pods(Controller):
    """Simulates scheduler, kubelet and image registry."""

    keys = ("pods",)

    def __init__(self, api: Api, rollout_seconds: float) -> None:
        super().__init__(api, rollout_seconds)
        self._since: dict[str, tuple[str, float]] = {}  # uid → the situation and when it began

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the changed pod, or the pods of an owner whose rollout annotation changed.

        For a new ConfigMap, Secret or claim, yield the Pending pods of its namespace, which may wait for it.
        """
        key, namespace, _ = change.ref
        if key == "pods":
            if change.type == "DELETED":
                self._since.pop(uid_of(change.object), None)
            yield change.ref
        elif key in _SOURCE_KEYS and change.type == "ADDED":
            for pod in self.store.items("pods", namespace):
                if dig(pod, "status", "phase") == "Pending":
                    yield ("pods", namespace, name_of(pod))
        elif _annotation(change.object) != _annotation(change.previous or {}):
            yield from self._pods_below(uid_of(change.object))

    def _pods_below(self, uid: str) -> Iterator[Ref]:
        for ref, obj in self.store.dependents(uid):
            yield from [ref] if ref[0] == "pods" else self._pods_below(uid_of(obj))

    def reconcile(self, ref: Ref) -> float | None:
        """Set the status of a pod according to its situation and the time in it."""
        pod = self.live(ref)
        if pod is None or is_over(pod):
            return None
        missing = "" if is_ready(pod) else self._mount_failure(pod)
        situation, delay = self._situation(pod, missing)
        last_situation, since = self._since.get(uid_of(pod), ("", 0.0))
        if last_situation != situation:
            since = time.monotonic()
            self._since[uid_of(pod)] = (situation, since)
        elapsed = time.monotonic() - since
        if situation != "hang" and not pod["spec"].get("nodeName"):
            pod = self.update(ref, lambda obj: obj | {"spec": obj["spec"] | {"nodeName": NODE}})
        status, requeue_after = self._status(pod, situation, delay, elapsed, missing)
        self.set_status(ref, status)
        return requeue_after

    def _situation(self, pod: Object, missing: str) -> tuple[str, float]:
        mode = self.mode(pod)
        if mode == "hang" and not is_ready(pod):
            return "hang", 0.0
        if missing:
            return missing, 0.0
        if mode in ("fail", "image"):
            return mode, self.rollout_seconds
        try:
            return "run", float(mode)
        except ValueError:
            return "run", self.rollout_seconds

    def _status(
        self, pod: Object, situation: str, delay: float, elapsed: float, missing: str
    ) -> tuple[Object, float | None]:
        if situation == "hang":
            return unschedulable(pod), None
        if situation == missing:
            return waiting(pod, "ContainerCreating", missing), None
        if situation == "run":
            return self._run(pod, delay, elapsed)
        if elapsed < delay and not is_ready(pod) and not _has_failed(pod):
            return waiting(pod, "ContainerCreating"), delay - elapsed
        if situation == "image":
            image = pod["spec"]["containers"][0]["image"]
            return waiting(pod, "ImagePullBackOff", f'Back-off pulling image "{image}"'), None
        return self._fail(pod, elapsed - delay)

    def _run(self, pod: Object, delay: float, elapsed: float) -> tuple[Object, float | None]:
        if is_ready(pod):
            return pod["status"], None
        if elapsed < delay:
            return waiting(pod, "ContainerCreating"), delay - elapsed
        if pod["spec"]["restartPolicy"] == "Always" or _sleeps(pod):
            return running(pod), None
        return finished(pod, 0), None

    def _fail(self, pod: Object, elapsed: float) -> tuple[Object, float | None]:
        policy = pod["spec"]["restartPolicy"]
        if policy == "Never" or any(owner["kind"] == "Job" for owner in owners_of(pod)):
            return finished(pod, 1), None
        pause = max(2 * self.rollout_seconds, 0.1)
        restarts = min(_MAX_RESTARTS, 1 + int(max(0.0, elapsed) / pause))
        container = pod["spec"]["containers"][0]["name"]
        back_off = f"back-off {10 * 2 ** (restarts - 1)}s restarting failed container={container}"
        message = f"{back_off} pod={name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
        requeue_after = None if restarts == _MAX_RESTARTS else pause
        return waiting(pod, "CrashLoopBackOff", message, restarts), requeue_after

    def _mount_failure(self, pod: Object) -> str:
        for volume in pod["spec"].get("volumes") or ():
            for source, field, key in _VOLUMES:
                name = dig(volume, source, field)
                if name and not dig(volume, source, "optional") and self._absent(key, pod, name):
                    kind = key.removesuffix("s")
                    return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind} "{name}" not found'
        return ""

    def _absent(self, key: str, pod: Object, name: str) -> bool:
        return self.store.get((key, namespace_of(pod), name)) is None


def _sleeps(pod: Object) -> bool:
    """Whether a container runs `sleep infinity`, so that the pod never completes."""
    containers = pod["spec"]["containers"]
    return any("sleep infinity" in " ".join(item.get("command", []) + item.get("args", [])) for item in containers)


def _annotation(obj: Object) -> object:
    return dig(obj, "metadata", "annotations", ROLLOUT_ANNOTATION)


def _has_failed(pod: Object) -> bool:
    reason = dig(pod, "status", "containerStatuses", 0, "state", "waiting", "reason")
    return reason in ("CrashLoopBackOff", "ImagePullBackOff")
