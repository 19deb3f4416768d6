"""Deployments: one ReplicaSet for each version of the pod template."""

from collections.abc import Iterator
from datetime import UTC, datetime

from kudo.sandbox.controllers.controller import ref_of
from kudo.sandbox.controllers.workloads import WorkloadController, ready
from kudo.sandbox.objects import (
    Object,
    clone,
    condition,
    dig,
    digest,
    name_of,
    namespace_of,
    owner_reference,
    owners_of,
    uid_of,
    with_condition,
)
from kudo.sandbox.store import Change, Ref

_SETS = "apps/replicasets"
_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"


class Deployments(WorkloadController):
    """Scales the old ReplicaSets down in one step, once all pods of the new one are ready."""

    keys = ("apps/deployments",)

    def affected(self, change: Change) -> Iterator[Ref]:
        """Yield the Deployment, also that of a changed pod: the status of its ReplicaSet may stay the same."""
        yield from super().affected(change)
        if change.ref[0] == "pods":
            for owner in owners_of(change.object):
                replica_set = self.store.by_uid(owner["uid"])
                for reference in owners_of(replica_set) if replica_set else ():
                    ref = self.store.ref(reference["uid"])
                    if ref is not None and ref[0] in self.keys:
                        yield ref

    def reconcile(self, ref: Ref) -> float | None:
        """Scale the ReplicaSet of the current template up and the others down, and set the status."""
        deployment = self.live(ref)
        if deployment is None:
            return None
        sets = [clone(found) for _, found in self.store.dependents(uid_of(deployment), _SETS)]
        version = digest(deployment["spec"]["template"])
        current = next((item for item in sets if item["metadata"]["labels"].get(_HASH) == version), None)
        old = [item for item in sets if item is not current]
        if not deployment["spec"].get("paused"):
            current = self._roll(deployment, version, current, old)
        return self._update_status(ref, deployment, current, old)

    def _roll(self, deployment: Object, version: str, current: Object | None, old: list[Object]) -> Object:
        recreate = dig(deployment, "spec", "strategy", "type") == "Recreate"
        if recreate and any(self.pods(item) for item in old):
            self._scale_down(old)
        wanted = deployment["spec"]["replicas"]
        if current is None:
            current = self._create_replica_set(deployment, version, wanted, len(old) + 1)
        elif current["spec"]["replicas"] != wanted:
            current = self._scale(current, wanted)
        if ready(self.active(current)) >= wanted:
            self._scale_down(old)
        return current

    def _create_replica_set(self, deployment: Object, version: str, replicas: int, revision: int) -> Object:
        template = clone(deployment["spec"]["template"])
        template_hash = {_HASH: version}
        labels = dig(template, "metadata", "labels", default={}) | template_hash
        template["metadata"] = template.get("metadata", {}) | {"labels": labels}
        selector = clone(deployment["spec"]["selector"])
        selector["matchLabels"] = (selector.get("matchLabels") or {}) | template_hash
        metadata = {
            "name": f"{name_of(deployment)}-{version}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": {_REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment)],
        }
        spec = {"replicas": replicas, "selector": selector, "template": template}
        return self.create(_SETS, {"metadata": metadata, "spec": spec})

    def _scale(self, replica_set: Object, replicas: int) -> Object:
        ref = ref_of(_SETS, replica_set)
        return self.update(ref, lambda obj: obj | {"spec": obj["spec"] | {"replicas": replicas}})

    def _scale_down(self, sets: list[Object]) -> None:
        for replica_set in sets:
            self._scale(replica_set, 0)

    def _update_status(self, ref: Ref, deployment: Object, current: Object | None, old: list[Object]) -> float | None:
        updated = self.active(current) if current else []
        pods = [*updated, *(pod for item in old for pod in self.active(item))]
        wanted = deployment["spec"]["replicas"]
        refused = condition(current or {}, "ReplicaFailure")
        left = _until_deadline(deployment, refused)
        stuck = any(map(_crashes, updated)) or (left is not None and left <= 0)
        done = len(updated) == len(pods) == wanted == ready(updated)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(updated),
            "readyReplicas": ready(pods),
            "availableReplicas": ready(pods),
            "unavailableReplicas": max(0, max(wanted, len(pods)) - ready(pods)),
            "conditions": _conditions(deployment, current, done, stuck, ready(pods) >= wanted)
            + ([refused] if refused else []),
        }
        self.set_status(ref, status)
        return left if left is not None and left > 0 else None


def _conditions(deployment: Object, current: Object | None, done: bool, stuck: bool, available: bool) -> list[Object]:
    subject = f'ReplicaSet "{name_of(current)}"' if current else "Deployment"
    reason, message = "ReplicaSetUpdated", f"{subject} is progressing."
    if done:
        reason, message = "NewReplicaSetAvailable", f"{subject} has successfully progressed."
    elif stuck:
        reason, message = "ProgressDeadlineExceeded", f"{subject} has timed out progressing."
    before = dig(deployment, "status", "conditions", default=[])
    conditions = [item for item in before if item["type"] != "ReplicaFailure"]
    conditions = with_condition(
        conditions,
        "Available",
        available,
        reason=f"MinimumReplicas{'Available' if available else 'Unavailable'}",
        message=f"Deployment {'has' if available else 'does not have'} minimum availability.",
    )
    return with_condition(conditions, "Progressing", done or not stuck, reason=reason, message=message)


def _until_deadline(deployment: Object, refused: Object) -> float | None:
    """Return the seconds that are left to create pods that the API refuses; None if it does not refuse any."""
    if not refused:
        return None
    since = datetime.fromisoformat(refused["lastTransitionTime"].replace("Z", "+00:00"))
    elapsed = (datetime.now(UTC) - since).total_seconds()
    return float(deployment["spec"]["progressDeadlineSeconds"]) - elapsed


def _crashes(pod: Object) -> bool:
    waiting = dig(pod, "status", "containerStatuses", 0, "state", "waiting", "reason")
    return bool(waiting == "CrashLoopBackOff")
