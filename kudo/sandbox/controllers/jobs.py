"""Jobs: pods that run to completion."""

from datetime import UTC, datetime

from kudo.sandbox.controllers.workloads import WorkloadController, ready
from kudo.sandbox.objects import Object, condition, dig, now, with_condition
from kudo.sandbox.store import Ref


class Jobs(WorkloadController):
    """Runs pods until enough have succeeded. A Job fails with its first failed pod, whatever its backoffLimit."""

    keys = ("batch/jobs",)

    def reconcile(self, ref: Ref) -> float | None:
        """Create missing pods, or delete those of a finished or suspended Job, and set the status."""
        job = self.live(ref)
        if job is None:
            return None
        if _finished(job):
            return self._delete_after_ttl(ref, job)
        phases = [dig(pod, "status", "phase") for pod in self.pods(job)]
        succeeded, failed = phases.count("Succeeded"), phases.count("Failed")
        deadline = _deadline(job)
        conditions = _outcome(job, succeeded, failed, deadline, bool(self.active(job)))
        if conditions or job["spec"].get("suspend"):
            self.delete_pods(self.active(job))
        else:
            self._create_missing(job, succeeded)
        self._update_status(ref, job, succeeded, failed, conditions)
        return self.retry(job) if deadline is None else deadline

    def _create_missing(self, job: Object, succeeded: int) -> None:
        spec, active = job["spec"], len(self.active(job))
        left = spec["completions"] - succeeded if spec.get("completions") is not None else spec["parallelism"]
        for _ in range(min(spec["parallelism"], left) - active):
            self.create_pod(job, {})

    def _update_status(self, ref: Ref, job: Object, succeeded: int, failed: int, outcome: list[Object]) -> None:
        active = self.active(job)
        suspended = job["spec"].get("suspend")
        complete = any(item["type"] == "Complete" for item in outcome)
        status = {
            "startTime": None if suspended else dig(job, "status", "startTime", default=now()),
            "completionTime": now() if complete else None,
            "active": len(active),
            "succeeded": succeeded,
            "failed": failed,
            "conditions": _suspension(job) + outcome,
        }
        kept = {key: value for key, value in status.items() if value}
        kept |= {"ready": ready(active), "terminating": 0, "uncountedTerminatedPods": {}}
        self.update(ref, lambda obj: obj | {"status": kept}, "status")

    def _delete_after_ttl(self, ref: Ref, job: Object) -> float | None:
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        end = dig(job, "status", "completionTime") or condition(job, "Failed")["lastTransitionTime"]
        left = float(ttl) - _seconds_since(end)
        if left > 0:
            return left
        self.delete(ref)
        return None


def _finished(job: Object) -> bool:
    return any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


def _suspension(job: Object) -> list[Object]:
    old = [item for item in dig(job, "status", "conditions", default=[]) if item["type"] == "Suspended"]
    suspended = bool(job["spec"].get("suspend"))
    reason = "JobSuspended" if suspended else "JobResumed"
    message = f"Job {'suspended' if suspended else 'resumed'}"
    return with_condition(old, "Suspended", suspended, reason=reason, message=message) if old or suspended else []


def _outcome(job: Object, succeeded: int, failed: int, deadline: float | None, active: bool) -> list[Object]:
    completions = job["spec"].get("completions")
    if failed:
        return _failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    if succeeded >= completions if completions is not None else succeeded and not active:
        cause = {"reason": "CompletionsReached", "message": "Reached expected number of succeeded pods"}
        return with_condition(with_condition([], "SuccessCriteriaMet", True, **cause), "Complete", True, **cause)
    if deadline is not None and deadline <= 0:
        return _failure("DeadlineExceeded", "Job was active longer than specified deadline")
    return []


def _failure(reason: str, message: str) -> list[Object]:
    target = with_condition([], "FailureTarget", True, reason=reason, message=message)
    return with_condition(target, "Failed", True, reason=reason, message=message)


def _deadline(job: Object) -> float | None:
    seconds, start = job["spec"].get("activeDeadlineSeconds"), dig(job, "status", "startTime")
    if seconds is None or job["spec"].get("suspend"):
        return None
    return float(seconds) - (_seconds_since(start) if start else 0.0)


def _seconds_since(time: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(time.replace("Z", "+00:00"))).total_seconds()
