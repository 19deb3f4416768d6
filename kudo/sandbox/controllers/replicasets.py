"""ReplicaSets: a number of pods of one template."""

from kudo.sandbox.controllers.podstatus import is_ready
from kudo.sandbox.controllers.workloads import WorkloadController, ready
from kudo.sandbox.objects import dig, with_condition
from kudo.sandbox.store import Ref


class ReplicaSets(WorkloadController):
    """Keeps the number of pods. Unlike on a cluster, pods without a controller are not adopted."""

    keys = ("apps/replicasets",)

    def reconcile(self, ref: Ref) -> float | None:
        """Create or delete pods, and set the status."""
        replica_set = self.live(ref)
        if replica_set is None:
            return None
        wanted = replica_set["spec"]["replicas"]
        pods = sorted(self.active(replica_set), key=is_ready, reverse=True)
        for _ in range(wanted - len(pods)):
            self.create_pod(replica_set, {})
        self.delete_pods(pods[wanted:])
        pods = self.active(replica_set)
        status = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready(pods),
            "availableReplicas": ready(pods),
            "observedGeneration": replica_set["metadata"]["generation"],
        }
        counted = {key: value for key, value in status.items() if value}
        if refusal := self.refusal(replica_set):
            before = dig(replica_set, "status", "conditions", default=[])
            cause = {"reason": "FailedCreate", "message": refusal}
            counted["conditions"] = with_condition(before, "ReplicaFailure", True, **cause)
        self.update(ref, lambda obj: obj | {"status": counted | {"replicas": len(pods)}}, "status")
        return self.retry(replica_set)
