"""The workflow `Plan`: one run of a plan of an Instance, its phases as child workflows."""

import asyncio
from functools import partial
from typing import Literal

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.workflow import ChildWorkflowHandle

from workflows import options
from workflows.branches import cancelled, finish, raise_if_cancelled, run_branches, uninterrupted
from workflows.control import control
from workflows.deadlines import deadline, earliest, later
from workflows.failures import details, fatal, is_cancelled_exception
from workflows.mirror import Mirror
from workflows.pace import Pace
from workflows.phase import Phase
from workflows.stand_in import StandIn
from workflows.status import StatusTree
from workflows.steering import Steering
from workflows.visibility import Visibility

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from kudo.model.execution import ActivePlan, Approval, Deadline, PhaseRequest, PlanRequest, StepChange
    from kudo.model.plans import Phase as PhaseSpec
    from kudo.model.plans import Plan as PlanSpec
    from kudo.model.report import PlanEvent
    from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus


@workflow.defn(name="Plan")
class Plan:
    """Runs the phases of a plan by its strategy, and owns its status."""

    @workflow.init
    def __init__(self, request: object = None) -> None:
        # Taken as it comes: an input that cannot be decoded would keep the workflow from ever ending.
        self._request, self._problem = _read(request)
        self._tree = StatusTree(self._request.instance, self._request.plan)
        self._mirror = Mirror(self._request, self._tree)
        self._visibility = Visibility(self._request)
        self._steering = Steering(self._tree, self._mirror, self._visibility)
        is_plan = self._problem or workflow.info().workflow_id == self._request.workflow_id
        self._stand_in = None if is_plan else StandIn(self._request)
        if self._stand_in is not None:
            self._tree.plan.message = f"The plan runs as the workflow {self._request.workflow_id}; ask that one."
        self._cancel_reason = ""
        self._deadline: Deadline | None = None
        self._pace = Pace()

    @workflow.run
    async def run(self, request: object = None) -> PlanStatus:
        """Run the plan that a PlanRequest asks for; the result is its final status.

        Fails with KUDO's event name as the type and the final status in the details when a task is fatal, and ends
        Canceled when it was cancelled.
        """
        if self._problem:
            raise ApplicationError(self._problem, type="RequestError", non_retryable=True)
        if self._stand_in is not None:
            return await self._stand_in.run()
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
        """The status of the plan, its phases and steps."""
        return self._tree.plan

    @workflow.signal
    def steps_changed(self, changes: list[StepChange]) -> None:
        """Sent by phases, and by tasks that are being retried."""
        self._tree.take(changes)

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def cancel(self, reason: object = "") -> None:
        """Cancel the plan, as Temporal's own cancel does, with a reason that its status shows."""
        if await self._passed_on("cancel", _text(reason)):
            return
        self._cancel_reason = self._cancel_reason or _text(reason)
        # A workflow that was not asked to by the server cannot end as Canceled, and it cannot ask for itself.
        await control("request_cancel", _text(reason), "Cancel")

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def pause(self, reason: object = "") -> None:
        """Start no further step; what runs is finished."""
        if not await self._passed_on("pause", _text(reason)):
            await self._steering.set_paused(True, _text(reason))

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def resume(self, reason: object = "") -> None:
        """Go on after a pause."""
        if not await self._passed_on("resume", _text(reason)):
            await self._steering.set_paused(False, _text(reason))

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def approve(self, approval: Approval) -> None:
        """Let a step go on that waits for approval; as an update it is answered."""
        if not await self._passed_on("approve", approval):
            await self._steering.decide_if_waiting(approval, approved=True)

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def refuse(self, approval: Approval) -> None:
        """End the plan at a step that waits for approval; as an update it is answered."""
        if not await self._passed_on("refuse", approval):
            await self._steering.decide_if_waiting(approval, approved=False)

    @workflow.update(name="approve", unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def approve_and_answer(self, approval: Approval) -> None:
        """Like the signal. Rejected where the step does not wait."""
        await self._steering.decide(approval, approved=True)

    @workflow.update(name="refuse", unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def refuse_and_answer(self, approval: Approval) -> None:
        """Like the signal. Rejected where the step does not wait."""
        await self._steering.decide(approval, approved=False)

    @approve_and_answer.validator
    @refuse_and_answer.validator
    def _is_waiting(self, approval: Approval) -> None:
        if self._stand_in is not None:
            raise ApplicationError(self._tree.plan.message, type="NoSuchApproval", non_retryable=True)
        self._steering.approvals.find(approval)

    async def _passed_on(self, signal: str, argument: object) -> bool:
        """Whether the plan runs under another ID, and was signalled there."""
        if self._stand_in is None:
            return False
        await self._stand_in.pass_on(signal, argument)
        return True

    async def _run(self) -> None:
        active: ActivePlan = await control("load_active_plan", self._request, f"Load {self._request.plan}", ActivePlan)
        raise_if_cancelled()
        self._tree.load(active.status)
        self._tree.set_plan(ExecutionStatus.IN_PROGRESS)
        self._tree.set_paused(self._steering.pause.on)
        self._deadline = later(deadline(f"plan {active.name}", active.spec.timeout), -self._steering.pause.lasted)
        self._visibility.show(self._tree.plan, active.metadata.operator_name)
        self._mirror.start(_event("Normal", "PlanStarted", f"Execution of plan {active.name} started"))
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
        if status.status.done:
            return
        await self._steering.pause.over()
        request = _phase_request(active, phase, status)
        await self._pace.room_for(len(request.model_dump_json()))
        self._tree.set_phase(phase.name, ExecutionStatus.IN_PROGRESS)
        try:
            await self._execute(request)
        except (FailureError, asyncio.CancelledError) as error:
            is_cancel = is_cancelled_exception(error)
            for known in details(error, PhaseStatus):
                self._tree.settle(known)
            self._tree.cut_off(phase.name, ExecutionStatus.CANCELLED if is_cancel else ExecutionStatus.FATAL_ERROR)
            if is_cancel and not cancelled():
                raise ApplicationError(
                    f"The phase {phase.name} was cancelled on its own. Cancel the plan instead.",
                    type="PhaseCancelled",
                    non_retryable=True,
                ) from error
            raise

    async def _execute(self, request: PhaseRequest) -> None:
        """Run a phase, in several runs where its history gets too long for one."""
        own = deadline(f"phase {request.spec.name}", request.spec.timeout)
        before = self._steering.pause.lasted
        while True:
            paused = self._steering.pause.lasted
            request.deadline = earliest(later(self._deadline, paused), later(own, paused - before))
            request.status = await self._execute_once(request)
            self._tree.settle(request.status)
            if request.status.status.done:
                return

    async def _execute_once(self, request: PhaseRequest) -> PhaseStatus:
        name = request.spec.name
        # In a task of its own: where the SDK waits in ours, it takes back that we were cancelled.
        starting = workflow.start_child_workflow(
            Phase.run,
            request,
            id=f"{workflow.info().workflow_id}/{name}",
            # The phase of a run before may still be stopping.
            id_reuse_policy=WorkflowIDReusePolicy.TERMINATE_IF_RUNNING,
            static_summary=f"Phase {name} of plan {self._request.plan} of {self._request.instance}",
        )
        child: ChildWorkflowHandle[Phase, PhaseStatus] = await uninterrupted(starting)
        await uninterrupted(self._steering.begin(name, child))
        try:
            # A child Instance's plan ends by itself, and takes its time to say how.
            has_children = any(task.kind == "KudoOperator" for task in request.active.tasks)
            return await finish(child, None if has_children else options.PHASE_BOUND)
        finally:
            self._steering.end(name)

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
        self._visibility.show(self._tree.plan)
        if self._mirror.began:
            await uninterrupted(self._mirror.finish(events))
        elif events[0].type == "Warning":
            await uninterrupted(self._mirror.refuse(events[0]))


def _read(request: object) -> tuple[PlanRequest, str]:
    """The request, or one that stands for it and what is wrong with it."""
    try:
        return PlanRequest.model_validate(request), ""
    except ValidationError as error:
        problems = [".".join(map(str, problem["loc"])) + ": " + problem["msg"] for problem in error.errors()]
        explanation = f"The input is no request for a plan ({'; '.join(problems)})."
        return PlanRequest(namespace="unknown", instance="unknown", plan="unknown"), explanation


def _text(reason: object) -> str:
    """A reason as it comes: one that is no text must not keep a signal from having its effect."""
    return "" if reason is None else str(reason)


def _event(kind: Literal["Normal", "Warning"], reason: str, message: str) -> PlanEvent:
    return PlanEvent(type=kind, reason=reason, message=message)


def _phase_request(active: ActivePlan, phase: PhaseSpec, status: PhaseStatus) -> PhaseRequest:
    """The phase with the tasks and templates that it uses, and no others."""
    used = {task for step in phase.steps for task in step.tasks}
    tasks = [task for task in active.tasks if task.name in used]
    templates = {name: active.templates[name] for task in tasks for name in task.template_names()}
    nothing = {"spec": PlanSpec(phases=[]), "status": PlanStatus(name=active.name)}
    own = active.model_copy(update={"tasks": tasks, "templates": templates, **nothing})
    return PhaseRequest(spec=phase, status=status, active=own)
