"""The objects that a plan would apply and delete, without writing any."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from kudo.instances.active_plan import build_active_plan
from kudo.instances.children import child_instance, child_parameters, operator_task
from kudo.instances.operator_versions import operator_version
from kudo.instances.parameters import is_on
from kudo.manifests import Namespaced, enhance_all, or_as_defined, render_objects
from kudo.manifests.pipes import WAITER_IMAGE, build_pipe_pod, pipe_task
from kudo.manifests.scopes import is_namespaced_offline
from kudo.model.execution import ActivePlan, PlanRequest, TaskRequest
from kudo.model.objects import Object
from kudo.model.package import Package
from kudo.model.resources import Instance, InstanceSpec, ObjectMeta, OperatorVersion, Reference
from kudo.model.task_kinds import TASK_KINDS, Preview
from kudo.model.tasks import ToggleTask
from kudo.templates import Renderer


@dataclass(frozen=True, slots=True)
class TaskPreview:
    """The objects of one task of a step."""

    phase: str
    step: str
    task: str
    verb: Literal["apply", "delete"]
    objects: list[Object]
    creates: list[str] = field(default_factory=list)
    """Objects that the task creates from content that exists only in the cluster, as text."""


def new_instance(package: Package, request: PlanRequest) -> tuple[Instance, OperatorVersion]:
    """Return the Instance and OperatorVersion that an install of the package would create."""
    metadata = ObjectMeta(name=request.instance, namespace=request.namespace)
    version = operator_version(package)
    spec = InstanceSpec(operator_version=Reference(name=version.metadata.name), parameters=request.parameters)
    return Instance(metadata=metadata, spec=spec), version


async def preview(
    instance: Instance,
    version: OperatorVersion,
    renderer: Renderer,
    request: PlanRequest,
    namespaced: Namespaced = is_namespaced_offline,
) -> AsyncIterator[TaskPreview]:
    """Yield the tasks of a plan in their order, except those that have no objects or are skipped.

    A kind that `namespaced` does not know has the scope of its definition in the same task, or is namespaced. Raises
    the errors of loading a plan, rendering, parsing, and the other errors of `namespaced`.
    """
    for task_request in _requests(await build_active_plan(instance, version, renderer, request)):
        shown = await _PREVIEWS[TASK_KINDS[task_request.task.kind].preview](renderer, task_request, namespaced)
        if shown is not None:
            yield shown


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
        if not status.status.is_done
        for name in step.tasks
    ]


def _task_preview(
    request: TaskRequest, verb: Literal["apply", "delete"], objects: list[Object], creates: Iterable[str] = ()
) -> TaskPreview:
    return TaskPreview(request.phase, request.step, request.task.name, verb, objects, list(creates))


async def _preview_nothing(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> None:
    return None


async def _preview_apply(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> TaskPreview:
    return _task_preview(request, "apply", await _objects(renderer, request, namespaced))


async def _preview_delete(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> TaskPreview:
    return _task_preview(request, "delete", await _objects(renderer, request, namespaced))


async def _objects(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> list[Object]:
    rendered = await render_objects(renderer, request, request.task.template_names())
    return await enhance_all(rendered, request, or_as_defined(namespaced, rendered, default=True))


async def _preview_toggle(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> TaskPreview:
    assert isinstance(request.task, ToggleTask)
    chosen = _preview_apply if is_on(request.task, request.params) else _preview_delete
    return await chosen(renderer, request, namespaced)


async def _preview_pipe_pod(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> TaskPreview:
    pod = await build_pipe_pod(renderer, request, WAITER_IMAGE)
    creates = (f"{file.kind} {request.pipes[file.key]} from {file.path}" for file in pipe_task(request).spec.pipe)
    return _task_preview(request, "apply", [pod], creates)


async def _preview_child_instance(renderer: Renderer, request: TaskRequest, namespaced: Namespaced) -> TaskPreview:
    parameters = await child_parameters(renderer, request)
    operator = operator_task(request).spec.package
    return _task_preview(request, "apply", [child_instance(request, operator, parameters)])


_PREVIEWS: dict[Preview, Callable[[Renderer, TaskRequest, Namespaced], Awaitable[TaskPreview | None]]] = {
    "none": _preview_nothing,
    "apply": _preview_apply,
    "delete": _preview_delete,
    "toggle": _preview_toggle,
    "pipe pod": _preview_pipe_pod,
    "child instance": _preview_child_instance,
}
