"""The workflow `ScheduledPlan`: a plan that a Temporal Schedule starts.

A Schedule gives each workflow an ID of its own, but the plans of an Instance share one ID, so that one runs at a time.
So a Schedule starts a ScheduledPlan, which starts the plan as its child under the ID of the Instance, passes signals on
to it, and ends as the plan ends.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError

from kudo.model.execution import Approval, parse_plan_request
from kudo.model.status import PlanStatus
from kudo.workflows import options
from kudo.workflows.branches import is_cancelling, raise_if_cancelled, result_or_cancel
from kudo.workflows.children import PlanHandle, signal_child, start_plan
from kudo.workflows.control_activities import execute_control_activity
from kudo.workflows.failures import is_cancelled_exception

_ABANDON = workflow.HandlerUnfinishedPolicy.ABANDON


@workflow.defn(name="ScheduledPlan")
class ScheduledPlan:
    """Starts a plan under the ID of its Instance, and ends as it ends."""

    @workflow.init
    def __init__(self, request: object = None) -> None:
        self._request, self._problem = parse_plan_request(request)
        self._plan: asyncio.Future[PlanHandle] = asyncio.Future()

    @workflow.run
    async def run(self, request: object = None) -> PlanStatus:
        """Run the plan of a PlanRequest; return and fail like `Plan`.

        Fails with PlanAlreadyRunning if another plan of the Instance runs.
        """
        if self._problem:
            raise ApplicationError(self._problem, type="RequestError", non_retryable=True)
        plan = await self._start()
        try:
            return await result_or_cancel(plan, options.PLAN_BOUND)
        except FailureError as error:
            if is_cancelled_exception(error) and not is_cancelling():
                # A workflow ends as Canceled only if the server received a request to cancel it.
                await execute_control_activity("request_cancel", "the plan was cancelled", "Cancel")
                raise_if_cancelled()
                await workflow.wait_condition(lambda: False)
            raise

    async def _start(self) -> PlanHandle:
        try:
            plan = await start_plan(self._request)
        except WorkflowAlreadyStartedError:
            refusal = await execute_control_activity("explain_refusal", self._request, "Find the running plan")
            raise ApplicationError(refusal, type="PlanAlreadyRunning", non_retryable=True) from None
        self._plan.set_result(plan)
        return plan

    @workflow.query
    def status(self) -> PlanStatus:
        """Return a status that names the workflow of the plan."""
        return PlanStatus(name=self._request.plan, uid=workflow.info().run_id, message=self._elsewhere())

    def _elsewhere(self) -> str:
        return f"The plan runs as the workflow {self._request.workflow_id}; use that one."

    @workflow.signal(unfinished_policy=_ABANDON)
    async def cancel(self, reason: object = "") -> None:
        """Cancel the plan."""
        await self._pass_on("cancel", reason)

    @workflow.signal(unfinished_policy=_ABANDON)
    async def pause(self, reason: object = "") -> None:
        """Pause the plan."""
        await self._pass_on("pause", reason)

    @workflow.signal(unfinished_policy=_ABANDON)
    async def resume(self, reason: object = "") -> None:
        """Resume the plan."""
        await self._pass_on("resume", reason)

    @workflow.signal(unfinished_policy=_ABANDON)
    async def approve(self, approval: Approval) -> None:
        """Approve a step of the plan."""
        await self._pass_on("approve", approval)

    @workflow.signal(unfinished_policy=_ABANDON)
    async def refuse(self, approval: Approval) -> None:
        """Refuse a step of the plan."""
        await self._pass_on("refuse", approval)

    @workflow.update(name="approve")
    def approve_and_answer(self, approval: Approval) -> None:
        """Always rejected: an update cannot be passed on to another workflow."""

    @workflow.update(name="refuse")
    def refuse_and_answer(self, approval: Approval) -> None:
        """Always rejected: an update cannot be passed on to another workflow."""

    @approve_and_answer.validator
    @refuse_and_answer.validator
    def _reject_update(self, approval: Approval) -> None:
        raise ApplicationError(self._elsewhere(), type="NoSuchApproval", non_retryable=True)

    async def _pass_on(self, signal: str, argument: object) -> None:
        await signal_child(await asyncio.shield(self._plan), signal, argument)
