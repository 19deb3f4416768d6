"""The whole way of a task's templates to the objects that are applied or deleted."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from kudo.errors import TaskRenderingError
from kudo.manifests.enhance import enhance
from kudo.manifests.parse import parse
from kudo.model.execution import Metadata, TaskRequest, Variables
from kudo.model.objects import Object
from kudo.templates import Renderer, render_all

Namespaced = Callable[[Object], Awaitable[bool]]
"""Whether the kind of an object lives in namespaces; only a cluster knows."""


async def build(
    renderer: Renderer,
    request: TaskRequest,
    resources: Iterable[str],
    namespaced: Namespaced,
) -> list[Object]:
    """Render, parse, label, annotate and own the objects of the named templates.

    Raises TaskRenderingError, ResourceUnmarshalError and TaskEnhancementError, and what `namespaced` raises.
    """
    sources = {name: source_of(request, name) for name in resources}
    what = ", ".join(f"templates/{name}" for name in sources)
    objects = await renderer.run(what, render, request.metadata.api_version, sources, task_variables(request))
    defined = {kind: scope for item in objects for kind, scope in _defined(item)}
    scopes = {id(item): defined.get(_kind(item)) for item in objects}
    for item in objects:
        if scopes[id(item)] is None:
            scopes[id(item)] = await namespaced(item)
    return enhance(objects, request, lambda item: bool(scopes[id(item)]))


def render(api_version: str, sources: Mapping[str, str], values: Variables, *, named: bool = True) -> list[Object]:
    """Render and parse, both in the bounded process: reading a large YAML takes its time as well."""
    return parse(render_all(api_version, sources, values), named=named)


def _kind(item: Object) -> tuple[str, str]:
    return item.group, item.kind


def _defined(item: Object) -> Iterator[tuple[tuple[str, str], bool]]:
    """The kind that a CustomResourceDefinition of the same task will bring; no cluster knows it yet."""
    if item.kind == "CustomResourceDefinition":
        kind = (item.text("spec", "group"), item.text("spec", "names", "kind"))
        yield kind, item.text("spec", "scope") == "Namespaced"


def source_of(request: TaskRequest, name: str) -> str:
    """A template that a task names. Raises TaskRenderingError where the operator has none."""
    if name not in request.templates:
        raise TaskRenderingError(f"templates/{name} is not in the operator; the task {request.task.name} names it")
    return request.templates[name]


def task_variables(request: TaskRequest) -> Variables:
    """What the templates of a task see."""
    own: Variables = {"PhaseName": request.phase, "StepName": request.step}
    return plan_variables(request.metadata, request.params, request.pipes) | own


def plan_variables(metadata: Metadata, params: Variables, pipes: Mapping[str, str]) -> Variables:
    """What is the same for all templates of a plan."""
    variables = instance_variables(
        params,
        operator_name=metadata.operator_name,
        name=metadata.instance_name,
        namespace=metadata.instance_namespace,
        app_version=metadata.app_version,
        operator_version=metadata.operator_version,
    )
    return variables | {"Pipes": {**pipes}, "PlanName": metadata.plan_name}


def instance_variables(
    params: Variables, *, operator_name: str, name: str, namespace: str, app_version: str, operator_version: str
) -> Variables:
    """What templates see that no plan runs, by KUDO's names (`pkg/engine/renderer/engine.go`)."""
    return {
        "Params": params,
        "OperatorName": operator_name,
        "Name": name,
        "Namespace": namespace,
        "AppVersion": app_version,
        "OperatorVersion": operator_version,
    }
