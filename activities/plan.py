"""What a plan itself needs: reading it, reporting on it, and having it cancelled."""

from temporalio import activity

from activities.attempt import attempting, attempting_load, own_workflow
from activities.context import ActivityContext
from kudo.client import Plans
from kudo.instances.active_plan import load_active_plan
from kudo.instances.report import report_status
from kudo.model.execution import ActivePlan, PlanRequest
from kudo.model.report import StatusReport


class PlanActivities:
    """Activities that read and write an Instance."""

    def __init__(self, context: ActivityContext) -> None:
        self._context = context

    @activity.defn
    async def load_active_plan(self, request: PlanRequest) -> ActivePlan:
        """Read everything that a run of a plan needs; it is pinned from here on."""
        async with attempting_load(self._context.grace):
            uid = activity.info().workflow_run_id or ""
            context = self._context
            return await load_active_plan(context.cluster, context.renderer, request, uid, context.bounds)

    @activity.defn
    async def report_status(self, report: StatusReport) -> bool:
        """Write status and events to the Instance; False where it is gone."""
        async with attempting(self._context.grace):
            return await report_status(self._context.cluster, report)

    @activity.defn
    async def request_cancel(self, reason: str) -> None:
        """Ask the server to cancel the workflow that runs this activity."""
        await own_workflow().cancel(reason=reason)

    @activity.defn
    async def explain_refusal(self, request: PlanRequest) -> str:
        """Say which plan is in the way of one that was asked for."""
        async with attempting(self._context.grace):
            return str(await Plans(activity.client()).refusal(request))
