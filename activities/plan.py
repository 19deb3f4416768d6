"""Control activities of a plan: load it, report its status, and cancel it."""

from temporalio import activity

from kudo.activities.attempt import attempting, attempting_load, own_workflow
from kudo.activities.context import ActivityContext
from kudo.client import Plans
from kudo.instances.active_plan import load_active_plan
from kudo.instances.report import report_status
from kudo.model.execution import ActivePlan, PlanRequest
from kudo.model.report import StatusReport


class PlanActivities:
    """Activities that read and write an Instance, and cancel a plan."""

    def __init__(self, context: ActivityContext) -> None:
        self._context = context

    @activity.defn
    async def load_active_plan(self, request: PlanRequest) -> ActivePlan:
        """Read everything that a run of a plan needs; the run uses this result to its end."""
        async with attempting_load(self._context.grace):
            uid = activity.info().workflow_run_id or ""
            context = self._context
            return await load_active_plan(context.cluster, context.renderer, request, uid, context.bounds)

    @activity.defn
    async def report_status(self, report: StatusReport) -> bool:
        """Write status and events to the Instance; return False if it does not exist."""
        async with attempting(self._context.grace):
            return await report_status(self._context.cluster, report)

    @activity.defn
    async def request_cancel(self, reason: str) -> None:
        """Request the server to cancel the workflow that runs this activity."""
        await own_workflow().cancel(reason=reason)

    @activity.defn
    async def explain_refusal(self, request: PlanRequest) -> str:
        """Return why a plan cannot start: the plan of its Instance that is running."""
        async with attempting(self._context.grace):
            return str(await Plans(activity.client()).refusal(request))
