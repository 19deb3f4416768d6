"""The workflow `Phase`: the steps of one phase, and their tasks as activities."""

import asyncio
from functools import partial

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import options
from workflows.branches import finish, run_branches, run_side_by_side
from workflows.failures import fatal, is_cancelled_exception
from workflows.pace import Pace
from workflows.reports import Reports

with workflow.unsafe.imports_passed_through():
    from kudo.model.base import Model
    from kudo.model.execution import ActivePlan, StepChange, TaskRequest
    from kudo.model.plans import Phase as PhaseSpec
    from kudo.model.plans import Step
    from kudo.model.status import ExecutionStatus, PhaseStatus
    from kudo.model.tasks import Task

ACTIVITIES = {"Apply": "apply", "Delete": "delete", "Toggle": "toggle", "Dummy": "dummy"}


class PhaseRequest(Model):
    """A phase of a plan, with no more than the tasks and templates that it uses."""

    spec: PhaseSpec
    status: PhaseStatus
    active: ActivePlan


@workflow.defn(name="Phase")
class Phase:
    """Runs the steps of a phase by its strategy, and tells the plan about each."""

    @workflow.init
    def __init__(self, request: PhaseRequest) -> None:
        self._request = request
        self._status = request.status
        self._tasks = {task.name: task for task in request.active.tasks}
        self._overhead = len(request.active.metadata.model_dump_json()) + len(str(request.active.params))
        self._reports = Reports()
        self._pace = Pace()
        self._slots = asyncio.Semaphore(options.PENDING_ACTIVITIES)

    @workflow.run
    async def run(self, request: PhaseRequest) -> PhaseStatus:
        """Run all steps that are not COMPLETE yet; fails with the event's name as type when a task is fatal."""
        steps = [partial(self._run_step, step) for step in request.spec.steps]
        try:
            await run_branches(steps, request.spec.strategy)
        except (FailureError, asyncio.CancelledError) as error:
            await self._reports.flush()
            if isinstance(error, FailureError) and not is_cancelled_exception(error):
                raise fatal(error, self._status) from error
            raise
        await self._reports.flush()
        self._status.status = ExecutionStatus.COMPLETE
        return self._status

    @workflow.query
    def status(self) -> PhaseStatus:
        """The status of the phase as it knows it; a task that is being retried is known to the plan alone."""
        return self._status

    async def _run_step(self, step: Step) -> None:
        status = self._status.step(step.name)
        if status is None or status.status is ExecutionStatus.COMPLETE:
            return
        self._set(step, ExecutionStatus.IN_PROGRESS)
        try:
            await run_side_by_side([partial(self._run_task, step, name) for name in step.tasks])
        except (FailureError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                self._set(step, ExecutionStatus.CANCELLED)
            elif isinstance(error, FailureError):
                self._set(step, ExecutionStatus.FATAL_ERROR, fatal(error).message)
            raise
        self._set(step, ExecutionStatus.COMPLETE)

    async def _run_task(self, step: Step, name: str) -> None:
        task = self._tasks[name]
        request = self._task_request(step, task)
        async with self._slots:
            await self._pace.room_for(self._overhead + sum(map(len, request.templates.values())))
            activity = workflow.start_activity(
                ACTIVITIES[task.kind],
                request,
                activity_id=f"{self._request.spec.name}.{step.name}.{task.name}",
                summary=f"{task.kind} {task.name}",
                **options.TASK,
            )
            await finish(activity, options.CANCEL_BOUND)

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
        )

    def _set(self, step: Step, status: ExecutionStatus, message: str = "") -> None:
        own = self._status.step(step.name)
        if own is not None and own.set(status, message):
            change = StepChange(phase=self._request.spec.name, step=step.name, status=status, message=message)
            self._reports.send(change)
