"""Plans of child Instances, which KudoOperator tasks run as child workflows, and signals to child workflows."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, FailureError, WorkflowAlreadyStartedError
from temporalio.workflow import ChildWorkflowHandle

from kudo.model.base import byte_size
from kudo.model.execution import Deadline, PlanRequest
from kudo.model.limits import CHILD_STATUS_BYTES
from kudo.model.status import ChildPlan, PhaseStatus, PlanStatus
from kudo.workflows.branches import cancel_and_wait, is_cancelling, raise_if_cancelled, shielded
from kudo.workflows.control_activities import execute_control_activity
from kudo.workflows.deadlines import Pause, postpone, require_time, wait_until
from kudo.workflows.failures import details, event_of, is_cancelled_exception, root_cause

W = TypeVar("W")
R = TypeVar("R")

PlanHandle = ChildWorkflowHandle[object, PlanStatus]

LONGEST_WAIT = timedelta(minutes=5)
"""The longest time between two attempts to start a plan; each leaves some twenty events in the history."""

_REASON = "by its parent plan"


async def start_plan(request: PlanRequest) -> PlanHandle:
    """Start a plan as a child. Raises WorkflowAlreadyStartedError if another plan of the Instance runs."""
    starting = workflow.start_child_workflow(
        "Plan",
        request,
        id=request.workflow_id,
        static_summary=f"Plan {request.plan} of {request.instance}",
        result_type=PlanStatus,
    )
    # Shielded: if the SDK waits in our task, it takes back that we were cancelled.
    return await shielded(starting)


async def signal_child(child: ChildWorkflowHandle[W, R], signal: str, argument: object) -> None:
    """Signal a child workflow, even if cancelled meanwhile; nothing happens if it has ended."""
    try:
        # Shielded: the signal of a workflow that is cancelled while it is sent never ends.
        await shielded(child.signal(signal, argument))
    except FailureError as error:
        workflow.logger.warning("Could not signal %s: %s", child.id, error.message)


async def report_to_parent(request: PlanRequest, status: PlanStatus) -> None:
    """Signal the status of a child's plan to the workflow that has started it, if the request says so.

    Of a status that is too large, only the steps of phases that run are sent, or none.
    """
    parent = workflow.info().parent
    if not request.report_to_parent or parent is None:
        return
    if byte_size(status) > CHILD_STATUS_BYTES:
        status = _without_steps(status, lambda phase: not phase.status.is_running)
    if byte_size(status) > CHILD_STATUS_BYTES:
        status = _without_steps(status, lambda phase: True)
    child = ChildPlan(instance=request.instance, plan=request.plan, uid=status.uid, status=status)
    handle = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
    try:
        await shielded(handle.signal("report_child", child))
    except FailureError as error:
        workflow.logger.warning("Could not report to %s: %s", parent.workflow_id, error.message)


def _without_steps(status: PlanStatus, is_left_out: Callable[[PhaseStatus], bool]) -> PlanStatus:
    phases = [phase.model_copy(update={"steps": []}) if is_left_out(phase) else phase for phase in status.phases]
    return status.model_copy(update={"phases": phases})


class Children:
    """The plans of children that run below a phase, which are paused with it."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._running: dict[str, PlanHandle] = {}
        self._on_changed: dict[str, Callable[[ChildPlan], None]] = {}

    async def run(
        self,
        request: PlanRequest,
        deadline: Deadline | None,
        on_changed: Callable[[ChildPlan], None],
        on_blocked: Callable[[str], None],
    ) -> None:
        """Run the plan of a child to its end; while another plan of the child runs, wait, and report that.

        Calls `on_changed` when it has started, and with its status whenever that has changed.
        Raises ApplicationError if it does not end COMPLETE, with the name of the event as its type.
        """
        # The Instance may have been prepared just when the plan was cancelled.
        raise_if_cancelled()
        plan = await self._start(request, deadline, on_blocked)
        self._running[request.instance] = plan
        child = ChildPlan(instance=request.instance, plan=request.plan, uid=plan.first_execution_run_id or "")
        on_changed(child)
        self._on_changed[request.instance] = on_changed
        try:
            if self._pause.active:
                await signal_child(plan, "pause", _REASON)
            on_changed(child.model_copy(update={"status": await self._result(plan, request, deadline)}))
        except ChildWorkflowError as error:
            for status in details(error, PlanStatus):
                on_changed(child.model_copy(update={"status": status}))
            raise _failure(request, error) from error
        finally:
            self._running.pop(request.instance, None)
            self._on_changed.pop(request.instance, None)
        await execute_control_activity("finish_child", request, f"Clear the pending plan of {request.instance}")

    def report(self, child: ChildPlan) -> None:
        """Pass the status of a child's plan on."""
        if on_changed := self._on_changed.get(child.instance):
            on_changed(child)

    async def set_paused(self, paused: bool) -> None:
        """Pause or resume the plans of all children."""
        signal = "pause" if paused else "resume"
        await asyncio.gather(*(signal_child(plan, signal, _REASON) for plan in self._running.values()))

    async def _start(
        self, request: PlanRequest, deadline: Deadline | None, on_blocked: Callable[[str], None]
    ) -> PlanHandle:
        delay = timedelta(seconds=1)
        while True:
            try:
                return await start_plan(request.model_copy(update={"report_to_parent": True}))
            except WorkflowAlreadyStartedError:
                refusal: str = await execute_control_activity("explain_refusal", request, "Find the running plan", str)
                on_blocked(refusal)
            raise_if_cancelled()
            require_time(deadline, refusal)
            await workflow.sleep(delay)
            delay = min(2 * delay, LONGEST_WAIT)

    async def _result(self, plan: PlanHandle, request: PlanRequest, deadline: Deadline | None) -> PlanStatus:
        """Return the final status of a plan; cancel it at the deadline, or if we are cancelled."""
        before = self._pause.duration
        doing = f"the plan {request.plan} of {request.instance} was running"
        try:
            # While the child was starting nothing could be cancelled.
            raise_if_cancelled()
            await wait_until(plan.done, lambda: postpone(deadline, self._pause.duration - before), self._pause, doing)
        except (FailureError, asyncio.CancelledError):
            await cancel_and_wait([plan])
            raise
        return await plan


def _failure(request: PlanRequest, error: ChildWorkflowError) -> BaseException:
    """Return the error of the parent for the end of a child's plan."""
    plan = f"The plan {request.plan} of the instance {request.instance}"
    if not is_cancelled_exception(error):
        cause = root_cause(error)
        return ApplicationError(f"{plan} failed: {cause.message}", type=event_of(cause), non_retryable=True)
    if is_cancelling():
        return error
    text = f"{plan} was cancelled on its own. Cancel the plan of its parent instead."
    return ApplicationError(text, type="PlanCancelled", non_retryable=True)
