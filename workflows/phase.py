"""The workflow `Phase`: the steps of one phase, and their tasks as activities.

    run -> steps by strategy
      step: wait until the plan is not paused -> wait for approval, if it needs one -> tasks side by side
        task: wait for a free slot -> activity -> for a long wait: the activity `wait`
                                               -> for KudoOperator: the plan of the child as a child workflow

What lasts goes to the plan as messages (see `step_changes`). An activity that is retried, or waits, reports that by the
signal `report_progress`, because it never reaches workflow code otherwise; the phase passes it on. A fatal task fails
the phase, with the status of the phase as details; a cancel cancels the activities and ends the phase as Canceled. When
the history gets too long, no further step starts and the phase returns a status that is not COMPLETE: the plan then
starts it again for the rest.
"""

import asyncio
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from kudo.model import limits
from kudo.model.base import byte_size
from kudo.model.execution import (
    ChildPlanChanged,
    Deadline,
    Decision,
    LongWait,
    PhaseRequest,
    PlanRequest,
    PreparedChild,
    ProgressMessage,
    StepChanged,
    TaskErrorChanged,
    TaskRequest,
)
from kudo.model.plans import Step
from kudo.model.status import ChildPlan, ExecutionStatus, PhaseStatus, StepStatus, clip
from kudo.model.task_kinds import TASK_KINDS
from kudo.model.tasks import Task
from kudo.workflows import options
from kudo.workflows.branches import CommandBatcher, raise_if_cancelled, result_or_cancel, run_branches, run_side_by_side
from kudo.workflows.children import Children
from kudo.workflows.control_activities import remove_pipe_pod
from kudo.workflows.deadlines import Pause, deadline_of, explain_timeout, first_deadline, postpone, wait_until
from kudo.workflows.failures import fatal, is_cancelled_exception
from kudo.workflows.step_changes import StepChangeSender


@workflow.defn(name="Phase")
class Phase:
    """Runs the steps of a phase by its strategy, and reports each change of a step to the plan."""

    @workflow.init
    def __init__(self, request: PhaseRequest) -> None:
        self._request = request
        self._status = request.status
        self._tasks = {task.name: task for task in request.active.tasks}
        self._common_size = byte_size(request.active.metadata) + byte_size(request.active.params)
        self._changes = StepChangeSender(request.status)
        self._batcher = CommandBatcher()
        self._pause = Pause()
        self._children = Children(self._pause)
        self._decisions: dict[str, Decision] = {}
        self._slots = asyncio.Semaphore(limits.PENDING_ACTIVITIES)

    @workflow.run
    async def run(self, request: PhaseRequest) -> PhaseStatus:
        """Run all steps that are not done yet and return the status, which is not COMPLETE if steps are left.

        Fails with the name of the event as type and the status as details if a task is fatal.
        """
        steps = [partial(self._run_step, step) for step in request.spec.steps]
        try:
            await run_branches(steps, request.spec.strategy)
        except (FailureError, asyncio.CancelledError) as error:
            if isinstance(error, FailureError) and not is_cancelled_exception(error):
                self._changes.drop()
                raise fatal(error, self._status) from error
            # A workflow that ends as Canceled has no result that could contain the status.
            await self._changes.flush()
            raise
        self._changes.drop()
        if all(step.status.is_done for step in self._status.steps):
            self._status.set(ExecutionStatus.COMPLETE, at=workflow.now())
        return self._status

    @workflow.query
    def status(self) -> PhaseStatus:
        """Return the status of the phase; only the plan knows the errors of tasks that are retried."""
        return self._status

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def set_paused(self, paused: bool) -> None:
        """Sent by the plan, when it is paused or resumed."""
        self._pause.set(paused)
        await self._children.set_paused(paused)

    @workflow.signal
    def decide(self, decision: Decision) -> None:
        """Sent by the plan, when somebody approved or refused a step."""
        self._decisions.setdefault(decision.step, decision)

    @workflow.signal
    def report_progress(self, messages: list[ProgressMessage]) -> None:
        """Sent by activities of tasks: their errors, and what they wait for."""
        self._changes.send(*messages, urgent=True)

    @workflow.signal
    def report_child(self, child: ChildPlan) -> None:
        """Sent by the plan of a child when it writes its status."""
        self._children.report(child)

    def _is_full(self) -> bool:
        """Whether the history is so long that the remaining steps need a new run."""
        info = workflow.info()
        return (
            info.get_current_history_length() > limits.PHASE_EVENTS
            or info.get_current_history_size() > limits.PHASE_HISTORY_BYTES
        )

    def _deadline(self) -> Deadline | None:
        return postpone(self._request.deadline, self._pause.duration)

    async def _run_step(self, step: Step) -> None:
        status = self._step_status(step)
        await self._pause.wait_until_over()
        if status.status.is_done or self._is_full():
            return
        try:
            await self._run_tasks(step)
        except (FailureError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                self._set(step, ExecutionStatus.CANCELLED)
            elif isinstance(error, FailureError):
                self._set(step, ExecutionStatus.FATAL_ERROR, fatal(error).message, urgent=True)
            raise
        self._set(step, ExecutionStatus.COMPLETE)

    async def _run_tasks(self, step: Step) -> None:
        deadline = deadline_of(f"step {self._request.spec.name}.{step.name}", step.timeout)
        if step.approval:
            deadline = await self._wait_for_approval(step, deadline)
        self._set(step, ExecutionStatus.IN_PROGRESS)
        limit = first_deadline(deadline, self._deadline())
        await run_side_by_side([partial(self._run_task, step, name, limit) for name in step.tasks])

    async def _wait_for_approval(self, step: Step, deadline: Deadline | None) -> Deadline | None:
        """Wait until somebody approves the step; return its deadline, postponed by the pauses meanwhile."""
        before = self._pause.duration

        def limit() -> Deadline | None:
            return first_deadline(postpone(deadline, self._pause.duration - before), self._deadline())

        self._set(step, ExecutionStatus.WAITING_APPROVAL, urgent=True)
        await wait_until(lambda: step.name in self._decisions, limit, self._pause, "it waited for an approval")
        decision = self._decisions[step.name]
        if not decision.approved:
            raise ApplicationError(f"Refused by {decision.approval}", type="ApprovalRefused", non_retryable=True)
        self._set(step, ExecutionStatus.IN_PROGRESS, urgent=True)
        await self._pause.wait_until_over()
        raise_if_cancelled()
        return postpone(deadline, self._pause.duration - before)

    async def _run_task(self, step: Step, name: str, limit: Deadline | None) -> None:
        task = self._tasks[name]
        request = self._task_request(step, task)
        async with self._slots:
            await self._batcher.wait_for_room(self._common_size + sum(map(byte_size, request.templates.values())))
            request.deadline = first_deadline(limit, deadline_of(f"task {name}", task.timeout))
            # Not in a `finally`: a workflow that leaves a worker's cache cannot await anything.
            try:
                await self._execute(request)
            except (FailureError, asyncio.CancelledError):
                await remove_pipe_pod(request)
                raise
            await remove_pipe_pod(request)

    async def _execute(self, request: TaskRequest) -> None:
        if TASK_KINDS[request.task.kind].runs_child_plan:
            child: PreparedChild = await self._run_activity(request, PreparedChild)
            if child.plan:
                await self._run_child(request, child.plan)
        else:
            result: LongWait | str = await self._run_activity(request, LongWait | str)
            # If an object was deleted meanwhile, the task is run again.
            while isinstance(result, LongWait) and not await self._wait(result):
                result = await self._run_activity(request, LongWait | str)

    async def _wait(self, wait: LongWait) -> bool:
        await self._batcher.wait_for_room(byte_size(wait))
        bounds = options.for_wait(wait.task, wait.deadline)
        return bool(await self._run("wait", wait, f"Wait for {wait.task.name}", bounds, bool))

    async def _run_child(self, request: TaskRequest, plan: PlanRequest) -> None:
        place = {"phase": request.phase, "step": request.step, "task": request.task.name}
        status = self._status.step(request.step)

        def on_changed(child: ChildPlan) -> None:
            if status and not child.status:
                status.add_child(child)
            self._changes.send(ChildPlanChanged(**place, child=child), urgent=True)

        def on_blocked(message: str) -> None:
            self._changes.send(TaskErrorChanged(**place, error=message), urgent=True)

        await self._children.run(plan, request.deadline, on_changed, on_blocked)

    async def _run_activity(self, request: TaskRequest, result_type: Any) -> Any:
        task = request.task
        bounds = options.for_task(task, request.deadline)
        return await self._run(TASK_KINDS[task.kind].activity, request, _summary(task), bounds, result_type)

    async def _run(
        self,
        name: str,
        request: TaskRequest | LongWait,
        summary: str,
        bounds: options.ActivityOptions,
        result_type: Any,
    ) -> Any:
        activity = workflow.start_activity(
            name,
            request,
            result_type=result_type,
            activity_id=f"{request.phase}.{request.step}.{request.task.name}",
            summary=summary,
            **bounds,
        )
        try:
            return await result_or_cancel(activity, options.CANCEL_BOUND)
        except ActivityError as error:
            if timed_out := explain_timeout(error, request.deadline):
                raise timed_out from error
            raise

    def _task_request(self, step: Step, task: Task) -> TaskRequest:
        active = self._request.active
        return TaskRequest(
            phase=self._request.spec.name,
            step=step.name,
            task=task,
            templates={name: active.templates[name] for name in task.template_names()},
            params=active.params,
            pipes=active.pipes,
            metadata=active.metadata,
            resume=active.resume,
        )

    def _step_status(self, step: Step) -> StepStatus:
        status = self._status.step(step.name)
        if status is None:
            raise ApplicationError(
                f"The status of the phase {self._status.name} has no step {step.name}.",
                type="MissingStepStatus",
                non_retryable=True,
            )
        return status

    def _set(self, step: Step, status: ExecutionStatus, message: str = "", *, urgent: bool = False) -> None:
        now = workflow.now()
        message = clip(message, limits.step_message_bytes(len(self._status.steps)))
        if self._step_status(step).set(status, message, now):
            phase = self._request.spec.name
            change = StepChanged(phase=phase, step=step.name, status=status, message=message, at=now)
            self._changes.send(change, urgent=urgent)


def _summary(task: Task) -> str:
    count = len(task.template_names())
    return f"{task.kind} {task.name}" + (f": {count} resource{'s'[: count - 1]}" if count else "")
