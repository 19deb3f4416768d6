"""The plans of child Instances, which KudoOperator tasks run as child workflows."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, FailureError, WorkflowAlreadyStartedError

from workflows.branches import cancelled, raise_if_cancelled, stop
from workflows.control import control
from workflows.deadlines import later, require_time, wait_until
from workflows.failures import event_of, is_cancelled_exception, root_cause
from workflows.handles import PlanHandle, start_plan, tell
from workflows.pause import Pause

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import Deadline, PlanRequest
    from kudo.model.status import ChildPlan

LONGEST_WAIT = timedelta(minutes=5)
"""The longest time between two tries to start a plan, each of which leaves some twenty events in the history."""

_REASON = "its parent was asked to"


class Children:
    """The plans of children that run below a phase, which are paused with it."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._running: dict[str, PlanHandle] = {}

    async def run(
        self,
        request: PlanRequest,
        limit: Deadline | None,
        began: Callable[[ChildPlan], None],
        held_up: Callable[[str], None],
    ) -> None:
        """Run the plan of a child to its end; while another plan of it is in the way, say so and wait.

        Raises ApplicationError where it does not end COMPLETE, with the name of the event as its type.
        """
        # The Instance may have been prepared just when the plan was cancelled.
        raise_if_cancelled()
        plan = await self._start(request, limit, held_up)
        self._running[request.instance] = plan
        began(ChildPlan(instance=request.instance, plan=request.plan, uid=plan.first_execution_run_id or ""))
        try:
            if self._pause.on:
                await tell(plan, "pause", _REASON)
            await self._end(plan, request, limit)
        except ChildWorkflowError as error:
            raise _failure(request, error) from error
        finally:
            self._running.pop(request.instance, None)
        await control("finish_child", request, f"{request.instance} is as it should be")

    async def set_paused(self, paused: bool) -> None:
        """Hold back the plans of all children, or let them go on."""
        await asyncio.gather(*(tell(plan, "pause" if paused else "resume", _REASON) for plan in self._running.values()))

    async def _start(self, request: PlanRequest, limit: Deadline | None, held_up: Callable[[str], None]) -> PlanHandle:
        delay = timedelta(seconds=1)
        while True:
            try:
                return await start_plan(request)
            except WorkflowAlreadyStartedError:
                refusal: str = await control("explain_refusal", request, "Ask what is running", str)
                held_up(refusal)
            raise_if_cancelled()
            require_time(limit, refusal)
            await workflow.sleep(delay)
            delay = min(2 * delay, LONGEST_WAIT)

    async def _end(self, plan: PlanHandle, request: PlanRequest, limit: Deadline | None) -> None:
        """Wait for the end of a plan, and cancel it when its time is up or we are cancelled."""
        before = self._pause.lasted
        doing = f"the plan {request.plan} of {request.instance} was running"
        try:
            # While the child was starting nothing could be cancelled.
            raise_if_cancelled()
            await wait_until(
                plan.done, lambda: later(limit, self._pause.lasted - before), lambda: self._pause.on, doing
            )
        except (FailureError, asyncio.CancelledError):
            await stop([plan])
            raise
        await plan


def _failure(request: PlanRequest, error: ChildWorkflowError) -> BaseException:
    """What the end of a child means for its parent."""
    what = f"The plan {request.plan} of the instance {request.instance}"
    if not is_cancelled_exception(error):
        cause = root_cause(error)
        return ApplicationError(f"{what} failed: {cause.message}", type=event_of(cause), non_retryable=True)
    if cancelled():
        return error
    text = f"{what} was cancelled on its own. Cancel the plan of its parent instead."
    return ApplicationError(text, type="PlanCancelled", non_retryable=True)
