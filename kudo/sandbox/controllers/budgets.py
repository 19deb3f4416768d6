"""PodDisruptionBudgets: their status is set when they are written, and not updated when pods change."""

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.controllers.podstatus import is_ready
from kudo.sandbox.objects import dig
from kudo.sandbox.selectors import matches
from kudo.sandbox.store import Ref


class Budgets(Controller):
    """Sets a plausible status; the sandbox never evicts pods."""

    keys = ("policy/poddisruptionbudgets",)

    def reconcile(self, ref: Ref) -> float | None:
        """Set the status."""
        budget = self.live(ref)
        if budget is None:
            return None
        selector = dig(budget, "spec", "selector", default={})
        found = self.store.items("pods", ref[1])
        pods = [pod for pod in found if matches(selector, dig(pod, "metadata", "labels", default={}))]
        status = {
            "observedGeneration": budget["metadata"]["generation"],
            "expectedPods": len(pods),
            "currentHealthy": sum(1 for pod in pods if is_ready(pod)),
            "desiredHealthy": 0,
            "disruptionsAllowed": 0,
        }
        self.update(ref, lambda obj: obj | {"status": status}, "status")
        return None
