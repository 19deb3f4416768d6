"""The connections that an operation needs, and the namespace that it acts in."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from kudo.client import Plans, Run
from kudo.errors import KudoError
from kudo.instances.pending_plan import clear_pending_plan
from kudo.kubernetes import Cluster
from kudo.model.execution import PlanRequest

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Session:
    """A cluster, the plans in Temporal, and a namespace."""

    cluster: Cluster
    plans: Plans
    namespace: str

    def request(
        self,
        instance: str,
        plan: str,
        *,
        parameters: Mapping[str, str] = NO_PARAMETERS,
        resume: bool = False,
        start_from: str = "",
    ) -> PlanRequest:
        """Return the request for a run of a plan of an Instance in this namespace."""
        return PlanRequest(
            namespace=self.namespace,
            instance=instance,
            plan=plan,
            parameters=dict(parameters),
            resume=resume,
            start_from=start_from,
        )

    async def start(self, request: PlanRequest, *, clear_child: bool = False) -> Run:
        """Start a plan, and clear it as the pending plan of its Instance.

        The pending plan of a child Instance is cleared only with `clear_child`: its parent waits until that plan is
        COMPLETE. If clearing fails, the next change runs the plan once more, which does no harm. Raises
        PlanAlreadyRunning or TemporalUnavailable.
        """
        run = await self.plans.start(request)
        with suppress(KudoError):
            await clear_pending_plan(self.cluster, request, of_child=clear_child)
        return run
