"""The workflow `Plan`: one run of a plan of an Instance, its phases as child workflows.

    run -> activity load_active_plan: everything that the run needs, read once and pinned in the history
        -> phases by strategy, each a child workflow `Phase` with only the tasks and templates that it uses
        -> final status, written to the Instance

The plan owns the status tree. Phases report to it by the signal `report_progress` when something lasts, and return
their status; it answers the query `status`, shows the tree in the Web UI, and writes it to the Instance (see
`status_writer`). The signals pause, resume,
approve, refuse and cancel control it (see `controls`). A fatal task fails the phase, and the failure of a phase fails
the plan, with the final status as details.
"""

import asyncio
from functools import partial
from typing import Literal

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.workflow import ChildWorkflowHandle

from kudo.model.base import byte_size
from kudo.model.execution import (
    ActivePlan,
    Approval,
    Deadline,
    PhaseRequest,
    PlanRequest,
    ProgressMessage,
    parse_plan_request,
)
from kudo.model.plans import Phase as PhaseSpec
from kudo.model.plans import Plan as PlanSpec
from kudo.model.report import PlanEvent
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus
from kudo.model.task_kinds import TASK_KINDS
from kudo.workflows import options
from kudo.workflows.branches import (
    CommandBatcher,
    is_cancelling,
    raise_if_cancelled,
    result_or_cancel,
    run_branches,
    shielded,
)
from kudo.workflows.control_activities import execute_control_activity, execute_eagerly
from kudo.workflows.controls import PlanControls
from kudo.workflows.deadlines import deadline_of, first_deadline, postpone
from kudo.workflows.failures import details, fatal, is_cancelled_exception
from kudo.workflows.phase import Phase
from kudo.workflows.search_attributes import SearchAttributes
from kudo.workflows.status_tree import StatusTree
from kudo.workflows.status_writer import StatusWriter

_ABANDON = workflow.HandlerUnfinishedPolicy.ABANDON


@workflow.defn(name="Plan")
class Plan:
    """Runs the phases of a plan by its strategy, and owns its status."""

    @workflow.init
    def __init__(self, request: object = None) -> None:
        self._request, self._problem = parse_plan_request(request)
        self._problem = self._problem or _wrong_id(self._request)
        self._tree = StatusTree(self._request)
        self._writer = StatusWriter(self._request, self._tree)
        self._search_attributes = SearchAttributes(self._request)
        self._controls = PlanControls(self._tree, self._writer, self._search_attributes)
        self._cancel_reason = ""
        self._deadline: Deadline | None = None
        self._batcher = CommandBatcher()

    @workflow.run
    async def run(self, request: object = None) -> PlanStatus:
        """Run the plan of a PlanRequest, and return its final status.

        Fails with KUDO's event name as the type and the final status in the details if a task is fatal, and ends
        Canceled if it was cancelled. Fails with RequestError for an input that is no PlanRequest, or an ID that is not
        that of the Instance.
        """
        if self._problem:
            raise ApplicationError(self._problem, type="RequestError", non_retryable=True)
        try:
            await self._run()
        except (FailureError, asyncio.CancelledError) as error:
            if not isinstance(error, FailureError) or is_cancelled_exception(error):
                await self._end(ExecutionStatus.CANCELLED)
                raise
            await self._end(ExecutionStatus.FATAL_ERROR, error)
            raise fatal(error, self._tree.plan) from error
        await self._end(ExecutionStatus.COMPLETE)
        return self._tree.plan

    @workflow.query
    def status(self) -> PlanStatus:
        """Return the status of the plan, its phases and steps."""
        return self._tree.plan

    @workflow.signal
    def report_progress(self, messages: list[ProgressMessage]) -> None:
        """Sent by phases when something lasts, and by the activity that loads the plan when it is retried."""
        self._tree.apply(messages)
        if self._writer.has_started and not self._tree.plan.status.is_terminal:
            self._search_attributes.write(self._tree.plan)

    @workflow.signal(unfinished_policy=_ABANDON)
    async def cancel(self, reason: object = "") -> None:
        """Cancel the plan, as Temporal's own cancel does, with a reason that its status shows."""
        if self._tree.plan.status.is_terminal:
            return
        self._cancel_reason = self._cancel_reason or _text(reason)
        # Only the server can cancel a workflow so that it ends Canceled, and only an activity can request that.
        await execute_control_activity("request_cancel", _text(reason), "Cancel")

    @workflow.signal(unfinished_policy=_ABANDON)
    async def pause(self, reason: object = "") -> None:
        """Start no further step; running tasks are finished."""
        await self._controls.set_paused(True, _text(reason))

    @workflow.signal(unfinished_policy=_ABANDON)
    async def resume(self, reason: object = "") -> None:
        """Resume a paused plan."""
        await self._controls.set_paused(False, _text(reason))

    @workflow.signal(unfinished_policy=_ABANDON)
    async def approve(self, approval: Approval) -> None:
        """Approve a step that waits for approval; the update of the same name also reports if none does."""
        await self._controls.decide_if_waiting(approval, approved=True)

    @workflow.signal(unfinished_policy=_ABANDON)
    async def refuse(self, approval: Approval) -> None:
        """Refuse a step that waits for approval, which fails the plan; see `approve`."""
        await self._controls.decide_if_waiting(approval, approved=False)

    @workflow.update(name="approve", unfinished_policy=_ABANDON)
    async def approve_and_answer(self, approval: Approval) -> None:
        """Like the signal. Rejected if the step does not wait."""
        await self._controls.decide(approval, approved=True)

    @workflow.update(name="refuse", unfinished_policy=_ABANDON)
    async def refuse_and_answer(self, approval: Approval) -> None:
        """Like the signal. Rejected if the step does not wait."""
        await self._controls.decide(approval, approved=False)

    @approve_and_answer.validator
    @refuse_and_answer.validator
    def _require_waiting(self, approval: Approval) -> None:
        self._controls.approvals.find(approval)

    async def _run(self) -> None:
        active: ActivePlan = await execute_eagerly(
            "load_active_plan", self._request, f"Load {self._request.plan}", ActivePlan
        )
        raise_if_cancelled()
        self._tree.load(active.status)
        self._tree.set_plan(ExecutionStatus.IN_PROGRESS)
        self._tree.set_paused(self._controls.pause.active)
        self._deadline = postpone(
            deadline_of(f"plan {active.name}", active.spec.timeout), -self._controls.pause.duration
        )
        self._search_attributes.write(self._tree.plan, active.metadata.operator_name)
        started = _event("Normal", "PlanStarted", f"Execution of plan {active.name} started")
        self._writer.start(started, active.metadata.instance_uid)
        await self._run_phases(active)

    async def _run_phases(self, active: ActivePlan) -> None:
        phases = [partial(self._run_phase, active, phase) for phase in active.spec.phases]
        await run_branches(phases, active.spec.strategy)

    async def _run_phase(self, active: ActivePlan, phase: PhaseSpec) -> None:
        status = self._tree.plan.phase(phase.name)
        if status is None:
            raise ApplicationError(
                f"The status of the plan {active.name} has no phase {phase.name}.",
                type="MissingPhaseStatus",
                non_retryable=True,
            )
        if status.status.is_done:
            return
        await self._controls.pause.wait_until_over()
        request = _phase_request(active, phase, status)
        await self._batcher.wait_for_room(byte_size(request))
        self._tree.set_phase(phase.name, ExecutionStatus.IN_PROGRESS)
        try:
            await self._execute(request)
        except (FailureError, asyncio.CancelledError) as error:
            is_cancel = is_cancelled_exception(error)
            for known in details(error, PhaseStatus):
                self._tree.finish_phase(known)
            self._tree.abort_phase(phase.name, ExecutionStatus.CANCELLED if is_cancel else ExecutionStatus.FATAL_ERROR)
            if is_cancel and not is_cancelling():
                raise ApplicationError(
                    f"The phase {phase.name} was cancelled on its own. Cancel the plan instead.",
                    type="PhaseCancelled",
                    non_retryable=True,
                ) from error
            raise

    async def _execute(self, request: PhaseRequest) -> None:
        """Run a phase; in several runs if its history gets too long for one."""
        deadline = deadline_of(f"phase {request.spec.name}", request.spec.timeout)
        before = self._controls.pause.duration
        while True:
            paused = self._controls.pause.duration
            request.deadline = first_deadline(postpone(self._deadline, paused), postpone(deadline, paused - before))
            request.status = await self._execute_once(request)
            self._tree.finish_phase(request.status)
            if request.status.status.is_done:
                return

    async def _execute_once(self, request: PhaseRequest) -> PhaseStatus:
        name = request.spec.name
        # Shielded: if the SDK waits in our task, it takes back that we were cancelled.
        starting = workflow.start_child_workflow(
            Phase.run,
            request,
            id=f"{workflow.info().workflow_id}/{name}",
            # The phase of an earlier run may still be stopping.
            id_reuse_policy=WorkflowIDReusePolicy.TERMINATE_IF_RUNNING,
            static_summary=f"Phase {name} of plan {self._request.plan} of {self._request.instance}",
        )
        child: ChildWorkflowHandle[Phase, PhaseStatus] = await shielded(starting)
        await shielded(self._controls.add_phase(name, child))
        try:
            # The plan of a child Instance takes longer to end.
            has_children = any(TASK_KINDS[task.kind].runs_child_plan for task in request.active.tasks)
            return await result_or_cancel(child, None if has_children else options.PHASE_BOUND)
        finally:
            self._controls.remove_phase(name)

    async def _end(self, status: ExecutionStatus, error: BaseException | None = None) -> None:
        """Set the final status and write it to the Instance, even if cancelled meanwhile."""
        events = [
            _event("Normal", "PlanFinished", f"Execution of plan {self._request.plan} finished with status {status}")
        ]
        message = ""
        if status is ExecutionStatus.CANCELLED:
            message = self._cancel_reason or workflow.cancellation_reason() or ""
        elif isinstance(error, FailureError):
            failure = fatal(error)
            events.insert(0, _event("Warning", failure.type or "Failed", failure.message))
            # A step that has the message has it alone.
            message = "" if self._tree.plan.failed_steps() else failure.message
        self._tree.set_plan(status, message)
        self._search_attributes.write(self._tree.plan)
        if self._writer.has_started:
            await shielded(self._writer.finish(events))
        elif events[0].type == "Warning":
            await shielded(self._writer.refuse(events[0]))


def _wrong_id(request: PlanRequest) -> str:
    """Return why this workflow must not run the request; empty if its ID is that of the Instance."""
    if workflow.info().workflow_id == request.workflow_id:
        return ""
    return (
        f"A Plan of the instance {request.instance} must have the workflow ID {request.workflow_id}, so that one plan "
        "runs at a time. Start the workflow type ScheduledPlan if the ID is not yours to choose, as in a Schedule."
    )


def _text(reason: object) -> str:
    """Return a reason as text: a signal has its effect whatever the reason is."""
    return "" if reason is None else str(reason)


def _event(kind: Literal["Normal", "Warning"], reason: str, message: str) -> PlanEvent:
    return PlanEvent(type=kind, reason=reason, message=message)


def _phase_request(active: ActivePlan, phase: PhaseSpec, status: PhaseStatus) -> PhaseRequest:
    """Return the request for a phase, with only the tasks and templates that it uses."""
    used = {task for step in phase.steps for task in step.tasks}
    tasks = [task for task in active.tasks if task.name in used]
    templates = {name: active.templates[name] for task in tasks for name in task.template_names()}
    nothing = {"spec": PlanSpec(phases=[]), "status": PlanStatus(name=active.name)}
    reduced = active.model_copy(update={"tasks": tasks, "templates": templates, **nothing})
    return PhaseRequest(spec=phase, status=status, active=reduced)
