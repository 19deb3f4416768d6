"""The rules of health: when an object is healthy, and when it has failed.

The order of the rules and their terms are kstatus's (kubernetes-sigs/cli-utils, `pkg/kstatus/status`), which Flux and
Helm share; rules that differ, such as that of Jobs, have a comment.
"""

from collections.abc import Callable

from kudo.model.objects import Object
from kudo.rollout.health import core, pods, workloads
from kudo.rollout.health.state import HEALTHY, Health, condition_text, failed, waiting

_RULES: dict[tuple[str, str], Callable[[Object], Health]] = {
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("batch", "Job"): workloads.job,
    ("", "ReplicationController"): workloads.replica_set,
    ("", "Pod"): pods.pod,
    ("", "PersistentVolumeClaim"): core.claim,
    ("", "Service"): core.service,
    ("", "Namespace"): core.namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): core.definition,
    ("apiregistration.k8s.io", "APIService"): core.api_service,
    ("kudo.dev", "Instance"): core.instance,
}

_FINAL: dict[tuple[str, str], Callable[[Object], Health | None]] = {
    ("batch", "Job"): workloads.ended_job,
    ("", "Pod"): pods.ended_pod,
}


def health(item: Object) -> Health:
    """Return the health of an object, by its status."""
    return common(item) or _of_kind(item) or _ready(item) or HEALTHY


def common(item: Object) -> Health | None:
    """Return the health by the rules that precede all others; None if none of them decides."""
    if item.terminating:
        return final(item) or waiting("it is being deleted")
    generation = item.integer("metadata", "generation")
    observed = item.integer("status", "observedGeneration", default=generation)
    if generation and observed != generation:
        return waiting("its controller has not observed the change yet")
    for condition in item.children("status", "conditions"):
        if _is_stale(condition, generation):
            continue
        if condition.text("type") == "Reconciling" and condition.text("status") == "True":
            return waiting(condition_text(condition))
        if condition.text("type") == "Stalled" and condition.text("status") == "True":
            return failed(condition_text(condition))
    return None


def final(item: Object) -> Health | None:
    """Return the health of an object that has ended, which its deletion does not change; None if it has not ended."""
    rule = _FINAL.get((item.group, item.kind))
    return rule(item) if rule else None


def _is_stale(condition: Object, generation: int) -> bool:
    """Whether a condition is about an older generation of its object."""
    return bool(generation) and condition.integer("observedGeneration", default=generation) < generation


def _of_kind(item: Object) -> Health | None:
    rule = _RULES.get((item.group, item.kind))
    return rule(item) if rule else None


def _ready(item: Object) -> Health | None:
    ready = item.condition("Ready")
    if _is_stale(ready, item.integer("metadata", "generation")):
        return waiting("its condition Ready is about an older generation")
    if ready.manifest and ready.text("status") != "True":
        return waiting(condition_text(ready))
    return None
