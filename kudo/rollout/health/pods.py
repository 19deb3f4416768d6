"""Health of pods, and why they are not ready."""

from kudo.model.objects import Object
from kudo.rollout.health.state import HEALTHY, Health, condition_text, failed, waiting


def pod(item: Object) -> Health:
    if ended := ended_pod(item):
        return ended
    phase = item.text("status", "phase", default="Pending")
    if phase == "Running" and item.condition("Ready").text("status") == "True":
        return HEALTHY
    return waiting(pod_reason(item) or f"it is {phase}")


def ended_pod(item: Object) -> Health | None:
    """Return the health of a pod whose containers have ended for good; None for another."""
    phase = item.text("status", "phase")
    if phase == "Succeeded":
        return HEALTHY
    if phase == "Failed" and item.text("spec", "restartPolicy", default="Always") != "Always":
        return failed(item.text("status", "message") or item.text("status", "reason") or "the pod failed")
    return None


def pod_reason(pod: Object) -> str:
    """Return why a pod is not ready, as its containers or the scheduler report; empty if they report nothing."""
    scheduled = pod.condition("PodScheduled")
    if scheduled.text("status") == "False":
        return condition_text(scheduled)
    for status in container_statuses(pod):
        held = status.child("state", "waiting")
        if held.text("reason") not in ("", "PodInitializing", "ContainerCreating") or held.text("message"):
            return condition_text(held)
        ended = status.child("state", "terminated")
        if ended.integer("exitCode"):
            return f"{condition_text(ended)} (exit code {ended.integer('exitCode')})"
    return ""


_TROUBLE = (
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
)


def in_trouble(pod: Object) -> bool:
    """Whether a pod crashes, or lacks its image, its configuration or a node; it may recover."""
    return pod.condition("PodScheduled").text("reason") == "Unschedulable" or any(
        status.text("state", "waiting", "reason") in _TROUBLE for status in container_statuses(pod)
    )


def failed_container(pod: Object) -> tuple[str, bool] | None:
    """Return the name of a container that has failed, and whether it has been started again; None if none has."""
    for status in container_statuses(pod):
        for state, previous in (("state", False), ("lastState", True)):
            if status.integer(state, "terminated", "exitCode"):
                return status.text("name"), previous
    return None


def container_statuses(pod: Object) -> list[Object]:
    """Return the statuses of the init containers of a pod, and of its containers."""
    return [*pod.children("status", "initContainerStatuses"), *pod.children("status", "containerStatuses")]
