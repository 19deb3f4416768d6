"""The workflow `Plan`: one run of a plan of an Instance, its phases as child workflows."""

import asyncio
from functools import partial
from typing import Literal

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, FailureError

from workflows import options
from workflows.branches import cancelled, finish, run_branches, uninterrupted
from workflows.failures import fatal, is_cancelled_exception
from workflows.mirror import Mirror
from workflows.pace import Pace
from workflows.phase import Phase, PhaseRequest
from workflows.status import StatusTree

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import ActivePlan, PlanRequest, StepChange
    from kudo.model.plans import Phase as PhaseSpec
    from kudo.model.report import PlanEvent
    from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus


@workflow.defn(name="Plan")
class Plan:
    """Runs the phases of a plan by its strategy, and owns its status."""

    @workflow.init
    def __init__(self, request: PlanRequest) -> None:
        self._request = request
        self._tree = StatusTree(request.instance, request.plan)
        self._mirror = Mirror(request, self._tree)
        self._cancel_reason = ""
        self._pace = Pace()

    @workflow.run
    async def run(self, request: PlanRequest) -> PlanStatus:
        """Run the plan; the result is its final status.

        Fails with KUDO's event name as the type and the final status in the details when a task is fatal, and ends
        Canceled when it was cancelled.
        """
        try:
            active = await self._load()
            self._tree.load(active.status)
            self._tree.set_plan(ExecutionStatus.IN_PROGRESS)
            self._mirror.start(_event("Normal", "PlanStarted", f"Execution of plan {active.name} started"))
            await self._run_phases(active)
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
        """The status of the plan, its phases and steps."""
        return self._tree.plan

    @workflow.signal
    def steps_changed(self, changes: list[StepChange]) -> None:
        """Sent by phases, and by tasks that are being retried."""
        self._tree.take(changes)

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def cancel(self, reason: str = "") -> None:
        """Cancel the plan, as Temporal's own cancel does, with a reason that its status shows."""
        self._cancel_reason = self._cancel_reason or reason
        # A workflow that was not asked to by the server cannot end as Canceled, and it cannot ask for itself.
        await workflow.execute_activity("request_cancel", reason, summary="Cancel", **options.SHORT)

    async def _load(self) -> ActivePlan:
        active: ActivePlan = await workflow.execute_activity(
            "load_active_plan",
            self._request,
            result_type=ActivePlan,
            summary=f"Load {self._request.plan}",
            **options.SHORT,
        )
        return active

    async def _run_phases(self, active: ActivePlan) -> None:
        phases = [partial(self._run_phase, active, phase) for phase in active.spec.phases]
        await run_branches(phases, active.spec.strategy)

    async def _run_phase(self, active: ActivePlan, phase: PhaseSpec) -> None:
        status = self._tree.plan.phase(phase.name)
        if status is None or status.status is ExecutionStatus.COMPLETE:
            return
        request = _phase_request(active, phase, status)
        await self._pace.room_for(len(request.model_dump_json()))
        self._tree.set_phase(phase.name, ExecutionStatus.IN_PROGRESS)
        try:
            await self._execute(request)
        except (FailureError, asyncio.CancelledError) as error:
            is_cancel = is_cancelled_exception(error)
            self._tree.set_phase(phase.name, ExecutionStatus.CANCELLED if is_cancel else ExecutionStatus.FATAL_ERROR)
            if is_cancel and not cancelled():
                raise ApplicationError(
                    f"The phase {phase.name} was cancelled on its own. Cancel the plan instead.",
                    type="PhaseCancelled",
                    non_retryable=True,
                ) from error
            raise
        self._tree.set_phase(phase.name, ExecutionStatus.COMPLETE)

    async def _execute(self, request: PhaseRequest) -> PhaseStatus:
        name = request.spec.name
        child = await workflow.start_child_workflow(
            Phase.run,
            request,
            id=f"{workflow.info().workflow_id}/{name}",
            # The phase of a run before may still be stopping.
            id_reuse_policy=WorkflowIDReusePolicy.TERMINATE_IF_RUNNING,
            static_summary=f"Phase {name} of plan {self._request.plan} of {self._request.instance}",
        )
        return await finish(child, options.PHASE_BOUND)

    async def _end(self, status: ExecutionStatus, error: BaseException | None = None) -> None:
        """Settle the final status, and write it to the Instance, whatever arrives meanwhile."""
        events = [
            _event("Normal", "PlanFinished", f"Execution of plan {self._request.plan} finished with status {status}")
        ]
        message = ""
        if status is ExecutionStatus.CANCELLED:
            message = self._cancel_reason or workflow.cancellation_reason() or ""
        elif isinstance(error, FailureError):
            failure = fatal(error)
            events.insert(0, _event("Warning", failure.type or "Failed", failure.message))
            # A step that says why says it alone.
            message = "" if self._tree.plan.failed_steps() else failure.message
        self._tree.set_plan(status, message)
        await uninterrupted(self._mirror.finish(*events))


def _event(kind: Literal["Normal", "Warning"], reason: str, message: str) -> PlanEvent:
    return PlanEvent(type=kind, reason=reason, message=message)


def _phase_request(active: ActivePlan, phase: PhaseSpec, status: PhaseStatus) -> PhaseRequest:
    """The phase with the tasks and templates that it uses, and no others."""
    used = {task for step in phase.steps for task in step.tasks}
    tasks = [task for task in active.tasks if task.name in used]
    templates = {name: active.templates[name] for task in tasks for name in task.template_names()}
    own = active.model_copy(update={"tasks": tasks, "templates": templates, "status": PlanStatus(name=active.name)})
    return PhaseRequest(spec=phase, status=status, active=own)
