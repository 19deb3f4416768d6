"""What a Schedule starts has an ID of its own; the plan runs under that of its Instance, so there is one at a time."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError

from workflows import options
from workflows.branches import cancelled, finish, raise_if_cancelled
from workflows.control import control
from workflows.failures import is_cancelled_exception
from workflows.handles import PlanHandle, start_plan, tell

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import PlanRequest
    from kudo.model.status import PlanStatus


class StandIn:
    """Starts a plan under its own ID, stands for it until it ends, and passes on what is asked of it."""

    def __init__(self, request: PlanRequest) -> None:
        self._request = request
        self._plan: asyncio.Future[PlanHandle] = asyncio.Future()

    async def run(self) -> PlanStatus:
        """Ends as the plan ends. Raises ApplicationError where another plan of the Instance runs."""
        request = self._request
        try:
            plan = await start_plan(request)
        except WorkflowAlreadyStartedError:
            refusal = await control("explain_refusal", request, "Ask what is running")
            raise ApplicationError(refusal, type="PlanAlreadyRunning", non_retryable=True) from None
        self._plan.set_result(plan)
        try:
            return await finish(plan, options.PLAN_BOUND)
        except FailureError as error:
            if is_cancelled_exception(error) and not cancelled():
                # Only what the server was asked to cancel ends as Canceled.
                await control("request_cancel", "the plan was cancelled", "Cancel")
                raise_if_cancelled()
                await workflow.wait_condition(lambda: False)
            raise

    async def pass_on(self, signal: str, argument: object) -> None:
        """Signal the plan as this workflow was signalled."""
        await tell(await asyncio.shield(self._plan), signal, argument)
