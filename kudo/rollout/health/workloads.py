"""Health of workloads, which run pods."""

from collections.abc import Iterator

from kudo.model.objects import Object
from kudo.rollout.health.state import HEALTHY, Health, State, condition_text, failed, first_unmet, waiting


def deployment(item: Object) -> Health:
    progressing = item.condition("Progressing")
    refused = item.condition("ReplicaFailure")
    cause = f"; {condition_text(refused)}" if refused.text("status") == "True" else ""
    if progressing.text("reason") == "ProgressDeadlineExceeded":
        return failed(condition_text(progressing) + cause)
    if item.flag("spec", "paused"):
        return HEALTHY  # Its controller rolls out nothing until somebody resumes it.
    verdict = first_unmet(_deployment_unmet(item))
    return waiting(verdict.reason + cause) if verdict.state is State.WAITING else verdict


def _deployment_unmet(item: Object) -> Iterator[str]:
    wanted = item.integer("spec", "replicas", default=1)
    replicas = item.integer("status", "replicas")
    updated = item.integer("status", "updatedReplicas")
    available = item.integer("status", "availableReplicas")
    if not item.has("status", "observedGeneration"):
        yield "its controller has not observed it yet"
    if updated < wanted or replicas < wanted:
        yield f"{updated} of {wanted} replicas updated"
    if replicas > wanted:
        yield f"{replicas - wanted} replicas too many"
    if replicas > updated:
        yield f"{replicas - updated} old replicas still exist"
    if available < updated or item.integer("status", "readyReplicas") < wanted:
        yield f"{available} of {wanted} replicas available"
    if item.condition("Available").text("status") != "True" and wanted:
        yield "it is not available yet"


def _on_delete(item: Object) -> bool:
    """Whether a workload replaces pods only when somebody deletes them, so that old ones may remain."""
    return item.text("spec", "updateStrategy", "type") == "OnDelete"


def stateful_set(item: Object) -> Health:
    return first_unmet(_stateful_set_unmet(item))


def _stateful_set_unmet(item: Object) -> Iterator[str]:
    wanted = item.integer("spec", "replicas", default=1)
    partition = item.integer("spec", "updateStrategy", "rollingUpdate", "partition")
    ready = item.integer("status", "readyReplicas")
    updated = item.integer("status", "updatedReplicas")
    replicas = item.integer("status", "replicas")
    if not item.has("status", "observedGeneration"):
        yield "its controller has not observed it yet"
    if ready < wanted or replicas < wanted:
        yield f"{ready} of {wanted} replicas ready"
    if replicas > wanted:
        yield f"{replicas - wanted} replicas too many"
    if _on_delete(item):
        return
    if partition:
        if updated < wanted - partition:
            yield f"{updated} of {wanted - partition} replicas updated"
    elif updated < wanted or item.text("status", "currentRevision") != item.text("status", "updateRevision"):
        # One that adopted pods has a single revision, but its pods may be of an older one.
        yield f"{updated} of {wanted} replicas updated"


def daemon_set(item: Object) -> Health:
    return first_unmet(_daemon_set_unmet(item))


def _daemon_set_unmet(item: Object) -> Iterator[str]:
    wanted = item.integer("status", "desiredNumberScheduled")
    if not item.has("status", "observedGeneration"):
        yield "its controller has not observed it yet"
    for field, word in (
        ("currentNumberScheduled", "scheduled"),
        ("updatedNumberScheduled", "updated"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ):
        count = item.integer("status", field)
        if count < wanted and not (word == "updated" and _on_delete(item)):
            yield f"{count} of {wanted} pods {word}"


def replica_set(item: Object) -> Health:
    return first_unmet(_replica_set_unmet(item))


def _replica_set_unmet(item: Object) -> Iterator[str]:
    refused = item.condition("ReplicaFailure")
    if refused.text("status") == "True":
        yield condition_text(refused)
    wanted = item.integer("spec", "replicas", default=1)
    for field, word in (
        ("fullyLabeledReplicas", "labelled"),
        ("availableReplicas", "available"),
        ("readyReplicas", "ready"),
    ):
        count = item.integer("status", field)
        if count < wanted:
            yield f"{count} of {wanted} replicas {word}"
    if item.integer("status", "replicas") > wanted:
        yield "more replicas than wanted"


def job(item: Object) -> Health:
    """Return the health of a Job: unlike kstatus, wait until it ends and not only until it runs."""
    if ended := ended_job(item):
        return ended
    if item.flag("spec", "suspend"):
        return HEALTHY
    wanted = item.integer("spec", "completions", default=1)
    return waiting(f"{item.integer('status', 'succeeded')} of {wanted} completions")


def ended_job(item: Object) -> Health | None:
    """Return the health of a Job that has ended; None for another."""
    if item.condition("Failed").text("status") == "True":
        return failed(condition_text(item.condition("Failed")))
    return HEALTHY if item.condition("Complete").text("status") == "True" else None
