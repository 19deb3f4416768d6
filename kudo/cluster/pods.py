"""The pods behind what is waited for: why they are not ready, and how long they have been in trouble."""

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from kudo.cluster.health import in_trouble, pod_reason
from kudo.cluster.watches import Watch
from kudo.manifests import INSTANCE
from kudo.model.durations import show_duration
from kudo.model.objects import Object, ObjectRef


def selector(item: Object) -> dict[str, str]:
    """The labels of a workload's pods; empty for what has none."""
    return item.strings("spec", "selector", "matchLabels")


class Pods:
    """The pods of several objects, by the watches of their namespaces."""

    def __init__(self, watches: Mapping[str, Watch], patience: timedelta | None) -> None:
        self._watches = watches
        self._patience = patience
        self._since: dict[ObjectRef, float] = {}

    def reason(self, item: Object) -> str:
        """The first that one of an object's pods gives for not being ready; empty where none says anything."""
        for pod in self._of(item):
            if pod is not item and (reason := pod_reason(pod)):
                return f"pod {pod.name}: {reason}"
        return ""

    def given_up(self, item: Object) -> str:
        """What to say where an object's pods have been in trouble for too long; empty where they have not."""
        troubled = [pod for pod in self._of(item) if in_trouble(pod)]
        if not troubled or self._patience is None:
            self._since.pop(item.ref, None)
            return ""
        since = self._since.setdefault(item.ref, time.monotonic())
        if time.monotonic() - since < self._patience.total_seconds():
            return ""
        pod = troubled[0]
        return f"for {show_duration(self._patience)} pod {pod.name}: {pod_reason(pod) or 'it crashes again and again'}"

    def _of(self, item: Object) -> Iterator[Object]:
        if (item.group, item.kind) == ("", "Pod"):
            yield item
            return
        labels, watch = selector(item), self._watches.get(item.namespace)
        if labels and watch is not None and not watch.failed:
            own = {name: value for name, value in item.labels.items() if name == INSTANCE}
            yield from watch.labelled(labels | own)
