"""Pods, and why they are not ready: what people ask first."""

from kudo.cluster.health.state import HEALTHY, Health, failed, said, waiting
from kudo.model.objects import Object


def pod(item: Object) -> Health:
    phase = item.text("status", "phase", default="Pending")
    if phase == "Succeeded":
        return HEALTHY
    if phase == "Failed" and item.text("spec", "restartPolicy", default="Always") != "Always":
        return failed(item.text("status", "message") or item.text("status", "reason") or "the pod failed")
    if phase == "Running" and item.condition("Ready").text("status") == "True":
        return HEALTHY
    return waiting(pod_reason(item) or f"it is {phase}")


def pod_reason(pod: Object) -> str:
    """Why a pod is not ready, as its containers or the scheduler say; empty where nothing is wrong."""
    scheduled = pod.condition("PodScheduled")
    if scheduled.text("status") == "False":
        return said(scheduled)
    statuses = [
        *pod.children("status", "initContainerStatuses"),
        *pod.children("status", "containerStatuses"),
    ]
    for status in statuses:
        held = status.child("state", "waiting")
        if held.text("reason") not in ("", "PodInitializing", "ContainerCreating") or held.text("message"):
            return said(held)
        ended = status.child("state", "terminated")
        if ended.integer("exitCode"):
            return f"{said(ended)} (exit code {ended.integer('exitCode')})"
    return ""
