"""DaemonSets: one pod, as there is one node."""

from kudo.sandbox.controllers.workloads import WorkloadController, ready
from kudo.sandbox.objects import Object, digest
from kudo.sandbox.store import Ref

_REVISION = "controller-revision-hash"


class DaemonSets(WorkloadController):
    """Keeps the one pod up to date."""

    keys = ("apps/daemonsets",)

    def reconcile(self, ref: Ref) -> float | None:
        """Create or replace the pod, and report."""
        owner = self.live(ref)
        if owner is None:
            return None
        revision = digest(owner["spec"]["template"])
        if owner["spec"]["updateStrategy"].get("type") != "OnDelete":
            self.delete_pods(pod for pod in self.active(owner) if not _is_updated(pod, revision))
        if not self.active(owner):
            self.make_pod(owner, {_REVISION: revision})
        self._report(ref, owner, revision)
        return None

    def _report(self, ref: Ref, owner: Object, revision: str) -> None:
        pods = self.active(owner)
        up = ready(pods)
        status: Object = {
            "currentNumberScheduled": len(pods),
            "desiredNumberScheduled": 1,
            "numberMisscheduled": 0,
            "numberReady": up,
        }
        counted = {
            "numberAvailable": up,
            "numberUnavailable": 1 - up,
            "updatedNumberScheduled": sum(1 for pod in pods if _is_updated(pod, revision)),
            "observedGeneration": owner["metadata"]["generation"],
        }
        status |= {key: value for key, value in counted.items() if value}
        self.update(ref, lambda obj: obj | {"status": status}, "status")


def _is_updated(pod: Object, revision: str) -> bool:
    return bool(pod["metadata"]["labels"].get(_REVISION) == revision)
