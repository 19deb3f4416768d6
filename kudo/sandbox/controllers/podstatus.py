"""The status of a pod in each situation."""

from typing import Any

from kudo.sandbox.objects import Object, dig, digest, now, with_condition

SCHEDULED, INITIALIZED, CONTAINERS, READY = "PodScheduled", "Initialized", "ContainersReady", "Ready"
_UNREADY = {"reason": "ContainersNotReady", "message": "containers with unready status"}


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready and not being deleted."""
    conditions: list[Object] = dig(pod, "status", "conditions", default=[])
    ready = any(item["type"] == READY and item["status"] == "True" for item in conditions)
    return ready and not dig(pod, "metadata", "deletionTimestamp")


def is_over(pod: Object) -> bool:
    """Whether a pod has succeeded or failed."""
    return dig(pod, "status", "phase") in ("Succeeded", "Failed")


def unschedulable(pod: Object) -> Object:
    """Return the status of a pod that cannot be scheduled."""
    message = "0/1 nodes are available: the annotation sandbox.kudo.dev/rollout is hang."
    conditions = with_condition([], SCHEDULED, False, reason="Unschedulable", message=message)
    return {"phase": "Pending", "conditions": conditions, "qosClass": "BestEffort"}


def waiting(pod: Object, reason: str, message: str = "", restarts: int = 0) -> Object:
    """Return the status of a pod whose containers wait, after that many restarts."""
    state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
    last = {"terminated": {"exitCode": 1, "reason": "Error"}} if restarts else {}
    phase = "Running" if restarts else "Pending"
    return _status(pod, phase, state, {"restartCount": restarts, "lastState": last}, _UNREADY)


def running(pod: Object) -> Object:
    """Return the status of a pod that is running and ready."""
    started = dig(pod, "status", "startTime", default=now())
    return _status(pod, "Running", {"running": {"startedAt": started}}, {"ready": True, "started": True}, None)


def finished(pod: Object, code: int) -> Object:
    """Return the status of a pod whose containers have ended with an exit code."""
    reason = "Error" if code else "Completed"
    times = {"startedAt": dig(pod, "status", "startTime", default=now()), "finishedAt": now()}
    state = {"terminated": {"exitCode": code, "reason": reason} | times}
    phase = "Failed" if code else "Succeeded"
    return _status(pod, phase, state, {}, {"reason": f"Pod{'Failed' if code else 'Completed'}"})


def _status(pod: Object, phase: str, state: Object, extra: Object, unready: dict[str, str] | None) -> Object:
    ready = unready is None
    conditions = dig(pod, "status", "conditions", default=[])
    conditions = with_condition(conditions, SCHEDULED, True)
    conditions = with_condition(conditions, INITIALIZED, True)
    conditions = with_condition(conditions, CONTAINERS, ready, **(unready or {}))
    conditions = with_condition(conditions, READY, ready, **(unready or {}))
    spec: Any = pod["spec"]
    address = _address(pod)
    return {
        "phase": phase,
        "conditions": conditions,
        "hostIP": "127.0.0.1",
        "startTime": dig(pod, "status", "startTime", default=now()),
        "qosClass": "BestEffort",
        "containerStatuses": [_container(item, state, extra) for item in spec["containers"]],
    } | ({"podIP": address, "podIPs": [{"ip": address}]} if phase != "Pending" else {})


def _container(container: Object, state: Object, extra: Object) -> Object:
    plain = {"ready": False, "started": False, "restartCount": 0, "lastState": {}}
    image = container["image"]
    return {"name": container["name"], "image": image, "imageID": "", "state": state} | plain | extra


def _address(pod: Object) -> str:
    high, low = bytes.fromhex(digest(pod["metadata"]["uid"], 4))
    return f"10.244.{high}.{low}"
