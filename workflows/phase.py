"""The workflow `Phase`: the steps of one phase, and their tasks as activities."""

import asyncio
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from workflows import options
from workflows.branches import finish, raise_if_cancelled, run_branches, run_side_by_side
from workflows.children import Children
from workflows.deadlines import deadline, earliest, explain_timeout, later, wait_until
from workflows.failures import fatal, is_cancelled_exception
from workflows.pace import Pace
from workflows.pause import Pause
from workflows.pipes import remove_pod
from workflows.reports import Reports

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import (
        ChildRequest,
        Deadline,
        Decision,
        PhaseRequest,
        PlanRequest,
        StepChange,
        TaskRequest,
    )
    from kudo.model.plans import Step
    from kudo.model.status import ChildPlan, ExecutionStatus, PhaseStatus, StepStatus, clip, room_for_message
    from kudo.model.tasks import Task

ACTIVITIES = {
    "Apply": "apply",
    "Delete": "delete",
    "Toggle": "toggle",
    "Pipe": "pipe",
    "KudoOperator": "prepare_child",
    "Dummy": "dummy",
}


@workflow.defn(name="Phase")
class Phase:
    """Runs the steps of a phase by its strategy, and tells the plan about each."""

    @workflow.init
    def __init__(self, request: PhaseRequest) -> None:
        self._request = request
        self._status = request.status
        self._tasks = {task.name: task for task in request.active.tasks}
        self._overhead = len(request.active.metadata.model_dump_json()) + len(str(request.active.params))
        self._reports = Reports(request.status)
        self._pace = Pace()
        self._pause = Pause()
        self._children = Children(self._pause)
        self._decisions: dict[str, Decision] = {}
        self._slots = asyncio.Semaphore(options.PENDING_ACTIVITIES)

    @workflow.run
    async def run(self, request: PhaseRequest) -> PhaseStatus:
        """Run all steps that are not done yet; fails with the event's name as type when a task is fatal.

        The status that it returns is not COMPLETE where the history got too long; the plan then starts the phase anew.
        """
        steps = [partial(self._run_step, step) for step in request.spec.steps]
        try:
            await run_branches(steps, request.spec.strategy)
        except (FailureError, asyncio.CancelledError) as error:
            if isinstance(error, FailureError) and not is_cancelled_exception(error):
                await self._reports.drop()
                raise fatal(error, self._status) from error
            # A workflow that ends as cancelled has no result that could say how far it got.
            await self._reports.flush()
            raise
        await self._reports.drop()
        if all(step.status.done for step in self._status.steps):
            self._status.set(ExecutionStatus.COMPLETE, at=workflow.now())
        return self._status

    @workflow.query
    def status(self) -> PhaseStatus:
        """The status of the phase as it knows it; a task that is being retried is known to the plan alone."""
        return self._status

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def set_paused(self, paused: bool) -> None:
        """Sent by the plan, when it is paused or resumed."""
        self._pause.set(paused)
        await self._children.set_paused(paused)

    @workflow.signal
    def decide(self, decision: Decision) -> None:
        """Sent by the plan, when somebody approved a step or refused to."""
        self._decisions.setdefault(decision.step, decision)

    def _is_full(self) -> bool:
        """Whether the history is as long as it should get; what is left is then done in a new run."""
        info = workflow.info()
        return (
            info.get_current_history_length() > options.MAX_EVENTS
            or info.get_current_history_size() > options.MAX_HISTORY
        )

    def _deadline(self) -> Deadline | None:
        return later(self._request.deadline, self._pause.lasted)

    async def _run_step(self, step: Step) -> None:
        status = self._own(step)
        await self._pause.over()
        if status.status.done or self._is_full():
            return
        try:
            await self._run_tasks(step)
        except (FailureError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                self._set(step, ExecutionStatus.CANCELLED)
            elif isinstance(error, FailureError):
                self._set(step, ExecutionStatus.FATAL_ERROR, fatal(error).message)
            raise
        self._set(step, ExecutionStatus.COMPLETE)

    async def _run_tasks(self, step: Step) -> None:
        own = deadline(f"step {self._request.spec.name}.{step.name}", step.timeout)
        if step.approval:
            own = await self._approved(step, own)
        self._set(step, ExecutionStatus.IN_PROGRESS)
        limit = earliest(own, self._deadline())
        await run_side_by_side([partial(self._run_task, step, name, limit) for name in step.tasks])

    async def _approved(self, step: Step, own: Deadline | None) -> Deadline | None:
        """Wait until somebody approves; the deadline of the step, put off by pauses meanwhile."""
        before = self._pause.lasted

        def limit() -> Deadline | None:
            return earliest(later(own, self._pause.lasted - before), self._deadline())

        self._set(step, ExecutionStatus.WAITING_APPROVAL)
        await wait_until(
            lambda: step.name in self._decisions, limit, lambda: self._pause.on, "it waited for an approval"
        )
        decision = self._decisions[step.name]
        if not decision.approved:
            raise ApplicationError(f"Refused by {decision.approval}", type="ApprovalRefused", non_retryable=True)
        self._set(step, ExecutionStatus.IN_PROGRESS)
        await self._pause.over()
        raise_if_cancelled()
        return later(own, self._pause.lasted - before)

    async def _run_task(self, step: Step, name: str, limit: Deadline | None) -> None:
        task = self._tasks[name]
        request = self._task_request(step, task)
        async with self._slots:
            await self._pace.room_for(self._overhead + sum(map(len, request.templates.values())))
            request.deadline = earliest(limit, deadline(f"task {name}", task.timeout))
            # Not in a `finally`: what leaves a worker's cache cannot await anything.
            try:
                await self._execute(request)
            except (FailureError, asyncio.CancelledError):
                await remove_pod(request)
                raise
            await remove_pod(request)

    async def _execute(self, request: TaskRequest) -> None:
        if request.task.kind == "KudoOperator":
            child: ChildRequest = await self._run_activity(request, ChildRequest)
            if child.plan:
                await self._run_child(request, child.plan)
        else:
            await self._run_activity(request)

    async def _run_child(self, request: TaskRequest, plan: PlanRequest) -> None:
        change = StepChange(phase=request.phase, step=request.step, status=ExecutionStatus.IN_PROGRESS)
        own = self._status.step(request.step)

        def began(child: ChildPlan) -> None:
            if own:
                own.add_child(child)
            self._reports.send(change.model_copy(update={"child": child, "task": request.task.name}))

        def held_up(message: str) -> None:
            error = {"status": ExecutionStatus.ERROR, "message": message, "task": request.task.name}
            self._reports.send(change.model_copy(update=error))

        await self._children.run(plan, request.deadline, began, held_up)

    async def _run_activity(self, request: TaskRequest, result_type: type | None = None) -> Any:
        task = request.task
        activity = workflow.start_activity(
            ACTIVITIES[task.kind],
            request,
            result_type=result_type,
            activity_id=f"{request.phase}.{request.step}.{task.name}",
            summary=_summary(task),
            **options.for_task(task, request.deadline),
        )
        try:
            return await finish(activity, options.CANCEL_BOUND)
        except ActivityError as error:
            if out_of_time := explain_timeout(error, request.deadline):
                raise out_of_time from error
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

    def _own(self, step: Step) -> StepStatus:
        own = self._status.step(step.name)
        if own is None:
            raise ApplicationError(
                f"The status of the phase {self._status.name} has no step {step.name}.",
                type="MissingStepStatus",
                non_retryable=True,
            )
        return own

    def _set(self, step: Step, status: ExecutionStatus, message: str = "") -> None:
        now = workflow.now()
        message = clip(message, room_for_message(len(self._status.steps)))
        if self._own(step).set(status, message, now):
            phase = self._request.spec.name
            self._reports.send(StepChange(phase=phase, step=step.name, status=status, message=message, at=now))


def _summary(task: Task) -> str:
    count = len(task.template_names())
    return f"{task.kind} {task.name}" + (f": {count} resource{'s'[: count - 1]}" if count else "")
