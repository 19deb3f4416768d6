"""The pods of objects that a plan waits for: why they are not ready, and how long they have been in trouble."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from kudo.kubernetes.informers import Informer
from kudo.model.annotations import INSTANCE
from kudo.model.durations import show_duration
from kudo.model.objects import Object, ObjectRef
from kudo.rollout.health import State, failed_container, health, in_trouble, pod_reason

BETWEEN_CRASHES = 120.0
"""Seconds without trouble after which it counts as new: a container that keeps crashing runs in between."""

_REVISION = "controller-revision-hash"


@dataclass(slots=True)
class _Trouble:
    since: float
    seen: float


def selector(item: Object) -> dict[str, str]:
    """Return the labels of a workload's pods; empty for an object without pods."""
    return item.strings("spec", "selector", "matchLabels")


class Pods:
    """The pods of several objects, read from the informers of their namespaces."""

    def __init__(self, informers: Mapping[str, Informer], patience: timedelta | None) -> None:
        self._informers = informers
        self._patience = patience
        self._trouble: dict[ObjectRef, _Trouble] = {}

    def reason(self, item: Object) -> str:
        """Return the first reason why a pod of the object is not ready; empty if there is none."""
        for pod in self._of(item):
            if pod is not item and (reason := pod_reason(pod)):
                return f"pod {pod.name}: {reason}"
        return ""

    def not_ready(self, item: Object) -> Object | None:
        """Return the first pod of the object that is not ready; None if all are, or the object is the pod."""
        return next((pod for pod in self._of(item) if pod is not item and health(pod).state is State.WAITING), None)

    def failed(self, item: Object) -> tuple[Object, str, bool] | None:
        """Return the first pod of the object with a container that failed, the container, and whether it runs again."""
        for pod in self._of(item):
            if found := failed_container(pod):
                return pod, *found
        return None

    def lasting_trouble(self, item: Object) -> str:
        """Return why the object fails if its pods have been in trouble for longer than the patience; else empty."""
        troubled = [pod for pod in self._of(item) if in_trouble(pod)]
        if not troubled or self._patience is None:
            return ""
        now = time.monotonic()
        trouble = self._trouble.setdefault(item.ref, _Trouble(now, now))
        if now - trouble.seen > BETWEEN_CRASHES:
            trouble.since = now
        trouble.seen = now
        if now - trouble.since < self._patience.total_seconds():
            return ""
        return f"for {show_duration(self._patience)} pod {troubled[0].name}: {pod_reason(troubled[0])}"

    def _of(self, item: Object) -> Iterator[Object]:
        if (item.group, item.kind) == ("", "Pod"):
            yield item
            return
        labels, informer = selector(item), self._informers.get(item.namespace)
        if labels and informer is not None and not informer.failed:
            of_instance = {name: value for name, value in item.labels.items() if name == INSTANCE}
            # Pods that are being deleted or replaced are not those that the plan waits for.
            revision = item.text("status", "updateRevision")
            for pod in informer.labelled(labels | of_instance):
                if not pod.terminating and pod.labels.get(_REVISION, revision) in (revision, ""):
                    yield pod
