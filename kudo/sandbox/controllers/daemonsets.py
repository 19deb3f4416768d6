"""DaemonSets: a single pod, because there is a single node."""

from kudo.sandbox.controllers.workloads import WorkloadController, ready
from kudo.sandbox.objects import Object, digest
from kudo.sandbox.store import Ref

_REVISION = "controller-revision-hash"


class DaemonSets(WorkloadController):
    """Keeps the pod up to date with the template."""

    keys = ("apps/daemonsets",)

    def reconcile(self, ref: Ref) -> float | None:
        """Create or recreate the pod, and set the status."""
        owner = self.live(ref)
        if owner is None:
            return None
        revision = digest(owner["spec"]["template"])
        if owner["spec"]["updateStrategy"].get("type") != "OnDelete":
            self.delete_pods(pod for pod in self.active(owner) if not _is_updated(pod, revision))
        if not self.active(owner):
            self.create_pod(owner, {_REVISION: revision})
        self._update_status(ref, owner, revision)
        return self.retry(owner)

    def _update_status(self, ref: Ref, owner: Object, revision: str) -> None:
        pods = self.active(owner)
        available = ready(pods)
        status: Object = {
            "currentNumberScheduled": len(pods),
            "desiredNumberScheduled": 1,
            "numberMisscheduled": 0,
            "numberReady": available,
        }
        counted = {
            "numberAvailable": available,
            "numberUnavailable": 1 - available,
            "updatedNumberScheduled": sum(1 for pod in pods if _is_updated(pod, revision)),
            "observedGeneration": owner["metadata"]["generation"],
        }
        status |= {key: value for key, value in counted.items() if value}
        self.update(ref, lambda obj: obj | {"status": status}, "status")


def _is_updated(pod: Object, revision: str) -> bool:
    return bool(pod["metadata"]["labels"].get(_REVISION) == revision)
