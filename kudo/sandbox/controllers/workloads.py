"""The base class of the controllers of workloads."""

from collections.abc import Iterable

from kudo.sandbox.api import Api
from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.controllers.podstatus import is_over, is_ready
from kudo.sandbox.objects import Object, clone, dig, digest, name_of, namespace_of, now, owner_reference, uid_of
from kudo.sandbox.status import ApiError

RETRY = 1.0
"""Seconds after which a controller tries again to create a pod that the API refused."""


class WorkloadController(Controller):
    """A controller that creates pods from a template."""

    def __init__(self, api: Api, rollout_seconds: float) -> None:
        super().__init__(api, rollout_seconds)
        self._refusals: dict[str, str] = {}

    def refusal(self, owner: Object) -> str:
        """Return why the API refused the last pod of a workload; empty if it accepted it."""
        return self._refusals.get(uid_of(owner), "")

    def retry(self, owner: Object) -> float | None:
        """Return when to reconcile a workload again; None if the API accepted its pods."""
        return RETRY if self.refusal(owner) else None

    def pods(self, owner: Object) -> list[Object]:
        """Return the pods of a workload that are not being deleted."""
        found = (pod for _, pod in self.store.dependents(uid_of(owner), "pods"))
        return [pod for pod in found if not dig(pod, "metadata", "deletionTimestamp")]

    def active(self, owner: Object) -> list[Object]:
        """Return the pods of a workload that have neither ended nor are being deleted."""
        return [pod for pod in self.pods(owner) if not is_over(pod)]

    def create_pod(self, owner: Object, labels: dict[str, str], name: str = "", spec: Object | None = None) -> None:
        """Create a pod from the template of its owner; if the API refuses it, record a Warning event of the owner."""
        template = clone(owner["spec"]["template"])
        metadata = template.get("metadata") or {}
        naming = {"name": name} if name else {"generateName": f"{name_of(owner)}-"}
        pod_metadata = naming | {
            "namespace": namespace_of(owner),
            "labels": (metadata.get("labels") or {}) | labels,
            "annotations": metadata.get("annotations") or {},
            "finalizers": metadata.get("finalizers") or [],
            "ownerReferences": [owner_reference(owner)],
        }
        kept = {key: value for key, value in pod_metadata.items() if value}
        try:
            self.create("pods", {"metadata": kept, "spec": template["spec"] | (spec or {})})
        except ApiError as error:
            if error.reason != "Forbidden":
                raise
            self._refusals[uid_of(owner)] = error.message
            self._warn(owner, f"Error creating: {error.message}")
        else:
            self._refusals.pop(uid_of(owner), None)

    def _warn(self, owner: Object, message: str) -> None:
        reference = {key: owner[key] for key in ("apiVersion", "kind")}
        reference |= {"namespace": namespace_of(owner), "name": name_of(owner), "uid": uid_of(owner)}
        name = f"{name_of(owner)}.{digest([uid_of(owner), message])}"
        if self.store.get(("events", namespace_of(owner), name)) is not None:
            return
        metadata = {"name": name, "namespace": namespace_of(owner)}
        seen = {"firstTimestamp": now(), "lastTimestamp": now(), "count": 1}
        event = {"type": "Warning", "reason": "FailedCreate", "message": message, "involvedObject": reference}
        self.create("events", {"metadata": metadata, **event, **seen})

    def delete_pods(self, pods: Iterable[Object]) -> None:
        """Delete the pods."""
        for pod in pods:
            self.delete(("pods", namespace_of(pod), name_of(pod)))


def ready(pods: Iterable[Object]) -> int:
    """Return the number of pods that are ready."""
    return sum(1 for pod in pods if is_ready(pod))
