"""StatefulSets: pods with an ordinal, and a claim for each of their volumeClaimTemplates."""

from functools import partial

from kudo.sandbox.controllers.controller import ref_of
from kudo.sandbox.controllers.podstatus import is_over, is_ready
from kudo.sandbox.controllers.workloads import WorkloadController, ready
from kudo.sandbox.objects import (
    Object,
    clone,
    dig,
    digest,
    name_of,
    namespace_of,
    owner_reference,
    owners_of,
)
from kudo.sandbox.selectors import matches
from kudo.sandbox.store import Ref

_REVISION = "controller-revision-hash"
_CLAIMS = "persistentvolumeclaims"


class StatefulSets(WorkloadController):
    """Creates and deletes one pod at a time, unless the podManagementPolicy is Parallel.

    Unlike on a cluster, a rolling update also recreates pods that never became ready.
    """

    keys = ("apps/statefulsets",)

    def reconcile(self, ref: Ref) -> float | None:
        """Do the next steps, and set the status."""
        owner = self.live(ref)
        if owner is None:
            return None
        revision = f"{name_of(owner)}-{digest(owner['spec']['template'])}"
        self._adopt(owner)
        self._delete_ended(owner)
        self._scale(owner, revision)
        self._update_pods(owner, revision)
        self._update_status(ref, owner, revision)
        return self.retry(owner)

    def _adopt(self, owner: Object) -> None:
        """Adopt orphaned pods of an earlier StatefulSet with the same name."""
        reference = owner_reference(owner)
        for name in _names(owner).values():
            pod = self.live(("pods", namespace_of(owner), name))
            if pod and not owners_of(pod) and matches(owner["spec"]["selector"], pod["metadata"].get("labels") or {}):
                adopted = pod | {"metadata": pod["metadata"] | {"ownerReferences": [reference]}}
                self.update(ref_of("pods", pod), partial(_replaced, adopted))

    def _delete_ended(self, owner: Object) -> None:
        self.delete_pods(pod for pod in self.pods(owner) if is_over(pod))

    def _scale(self, owner: Object, revision: str) -> None:
        parallel = owner["spec"]["podManagementPolicy"] == "Parallel"
        pods = self._by_name(owner)
        wanted = _names(owner)
        for index, name in wanted.items():
            if name not in pods:
                self._create_pod_and_claims(owner, name, index, revision)
            if not parallel and not (name in pods and is_ready(pods[name])):
                return
        surplus = sorted(pods.keys() - set(wanted.values()), key=_ordinal, reverse=True)
        self.delete_pods(pods[name] for name in (surplus if parallel else surplus[:1]))

    def _update_pods(self, owner: Object, revision: str) -> None:
        strategy = owner["spec"]["updateStrategy"]
        if strategy.get("type") == "OnDelete":
            return
        partition = dig(strategy, "rollingUpdate", "partition", default=0)
        pods = self._by_name(owner)
        outdated = [
            name
            for name in pods
            if pods[name]["metadata"]["labels"].get(_REVISION) != revision and _ordinal(name) >= partition
        ]
        updated = [pods[name] for name in pods if name not in outdated]
        unready = [name for name in outdated if not is_ready(pods[name])]
        if unready:
            self.delete_pods(pods[name] for name in unready)
        elif outdated and ready(updated) == len(updated) and len(pods) >= owner["spec"]["replicas"]:
            self.delete_pods([pods[max(outdated, key=_ordinal)]])

    def _by_name(self, owner: Object) -> dict[str, Object]:
        return {name_of(pod): pod for pod in self.active(owner)}

    def _create_pod_and_claims(self, owner: Object, name: str, index: int, revision: str) -> None:
        volumes = dig(owner, "spec", "template", "spec", "volumes", default=[])
        claimed = []
        for template in owner["spec"].get("volumeClaimTemplates") or ():
            claim = f"{name_of(template)}-{name}"
            self._create_claim(owner, template, claim)
            claimed.append({"name": name_of(template), "persistentVolumeClaim": {"claimName": claim}})
        names = {volume["name"] for volume in claimed}
        kept = [volume for volume in volumes if volume["name"] not in names]
        labels = {
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(index),
            _REVISION: revision,
        }
        network = {"hostname": name, "subdomain": owner["spec"].get("serviceName") or ""}
        self.create_pod(owner, labels, name, network | {"volumes": [*kept, *claimed]})

    def _create_claim(self, owner: Object, template: Object, name: str) -> None:
        if self.store.get((_CLAIMS, namespace_of(owner), name)) is not None:
            return
        labels = dig(owner, "spec", "selector", "matchLabels", default={})
        metadata = clone(template["metadata"]) | {"name": name, "namespace": namespace_of(owner)}
        metadata["labels"] = (metadata.get("labels") or {}) | labels
        if dig(owner, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
            metadata["ownerReferences"] = [owner_reference(owner)]
        self.create(_CLAIMS, {"metadata": metadata, "spec": clone(template["spec"])})

    def _update_status(self, ref: Ref, owner: Object, revision: str) -> None:
        pods = self.active(owner)
        updated = [pod for pod in pods if pod["metadata"]["labels"].get(_REVISION) == revision]
        before = dig(owner, "status", "currentRevision", default=revision)
        done = len(updated) == len(pods) == owner["spec"]["replicas"] == ready(pods)
        current = revision if done else before
        status = {
            "observedGeneration": owner["metadata"]["generation"],
            "readyReplicas": ready(pods),
            "currentReplicas": sum(1 for pod in pods if pod["metadata"]["labels"].get(_REVISION) == current),
            "updatedReplicas": len(updated),
            "currentRevision": current,
            "updateRevision": revision,
        }
        counted = {key: value for key, value in status.items() if value}
        counted |= {"replicas": len(pods), "availableReplicas": ready(pods), "collisionCount": 0}
        self.update(ref, lambda obj: obj | {"status": counted}, "status")


def _replaced(new: Object, _: Object) -> Object:
    return new


def _names(owner: Object) -> dict[int, str]:
    start = dig(owner, "spec", "ordinals", "start", default=0)
    return {index: f"{name_of(owner)}-{index}" for index in range(start, start + owner["spec"]["replicas"])}


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])
