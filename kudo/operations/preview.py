"""What a plan would apply and delete, without doing so."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from kudo.instances.active_plan import build_active_plan
from kudo.instances.children import child_instance, child_parameters
from kudo.instances.operator_versions import operator_version
from kudo.instances.parameters import is_on
from kudo.manifests import Namespaced, build
from kudo.manifests.pipes import WAITER_IMAGE, build_pipe_pod
from kudo.manifests.scopes import namespaced_by_itself
from kudo.model.execution import ActivePlan, PlanRequest, TaskRequest, Variables
from kudo.model.objects import Object
from kudo.model.package import Package
from kudo.model.resources import Instance, InstanceSpec, ObjectMeta, OperatorVersion, Reference
from kudo.model.tasks import ApplyTask, DeleteTask, KudoOperatorTask, PipeTask, Task, ToggleTask
from kudo.templates import Renderer


@dataclass(frozen=True, slots=True)
class TaskPreview:
    """What one task of a step would do."""

    phase: str
    step: str
    task: str
    verb: Literal["apply", "delete"]
    objects: list[Object]
    makes: list[str] = field(default_factory=list)
    """What else it makes, of what only the cluster knows."""


def new_instance(package: Package, request: PlanRequest) -> tuple[Instance, OperatorVersion]:
    """What a plan would run on if the package were installed for it."""
    metadata = ObjectMeta(name=request.instance, namespace=request.namespace)
    version = operator_version(package)
    spec = InstanceSpec(operator_version=Reference(name=version.metadata.name), parameters=request.parameters)
    return Instance(metadata=metadata, spec=spec), version


async def preview(
    instance: Instance,
    version: OperatorVersion,
    renderer: Renderer,
    request: PlanRequest,
    namespaced: Namespaced = namespaced_by_itself,
) -> AsyncIterator[TaskPreview]:
    """The tasks of a plan in their order, but for those that have no objects or are left out.

    Raises what loading a plan, rendering, parsing and `namespaced` can raise.
    """
    for task_request in _requests(await build_active_plan(instance, version, renderer, request)):
        task, where = task_request.task, (task_request.phase, task_request.step, task_request.task.name)
        if isinstance(task, PipeTask):
            pod = await build_pipe_pod(renderer, task_request, WAITER_IMAGE)
            makes = [f"{file.kind} {task_request.pipes[file.key]} of {file.path}" for file in task.spec.pipe]
            yield TaskPreview(*where, "apply", [pod], makes)
        elif isinstance(task, KudoOperatorTask):
            parameters = await child_parameters(renderer, task_request)
            yield TaskPreview(*where, "apply", [child_instance(task_request, task.spec.package, parameters)])
        elif verb := _verb(task, task_request.params):
            objects = await build(renderer, task_request, task.template_names(), namespaced)
            yield TaskPreview(*where, verb, objects)


def _requests(active: ActivePlan) -> list[TaskRequest]:
    tasks = {task.name: task for task in active.tasks}
    return [
        TaskRequest(
            phase=phase.name,
            step=step.name,
            task=tasks[name],
            templates=active.templates,
            params=active.params,
            pipes=active.pipes,
            metadata=active.metadata,
        )
        for phase, phase_status in zip(active.spec.phases, active.status.phases, strict=True)
        for step, status in zip(phase.steps, phase_status.steps, strict=True)
        if not status.status.done
        for name in step.tasks
    ]


def _verb(task: Task, params: Variables) -> Literal["apply", "delete"] | None:
    match task:
        case ApplyTask():
            return "apply"
        case DeleteTask():
            return "delete"
        case ToggleTask():
            return "apply" if is_on(task, params) else "delete"
    return None
