"""The base class of the controllers of workloads."""

from collections.abc import Iterable

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.controllers.podstatus import is_over, is_ready
from kudo.sandbox.objects import Object, clone, dig, name_of, namespace_of, owner_reference, uid_of


class WorkloadController(Controller):
    """A controller that creates pods from a template."""

    def pods(self, owner: Object) -> list[Object]:
        """Return the pods of a workload that are not being deleted."""
        found = (pod for _, pod in self.store.dependents(uid_of(owner), "pods"))
        return [pod for pod in found if not dig(pod, "metadata", "deletionTimestamp")]

    def active(self, owner: Object) -> list[Object]:
        """Return the pods of a workload that have neither ended nor are being deleted."""
        return [pod for pod in self.pods(owner) if not is_over(pod)]

    def create_pod(self, owner: Object, labels: dict[str, str], name: str = "", spec: Object | None = None) -> None:
        """Create a pod from the template of its owner."""
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
        self.create("pods", {"metadata": kept, "spec": template["spec"] | (spec or {})})

    def delete_pods(self, pods: Iterable[Object]) -> None:
        """Delete the pods."""
        for pod in pods:
            self.delete(("pods", namespace_of(pod), name_of(pod)))


def ready(pods: Iterable[Object]) -> int:
    """Return the number of pods that are ready."""
    return sum(1 for pod in pods if is_ready(pod))
