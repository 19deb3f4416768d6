"""Build the objects that a task applies or deletes from its templates.

    templates + variables -> render (engine) -> parse (YAML to objects) -> enhance (labels, owner, ...) -> objects
                             `-------- in a process of the Renderer -------'

The variables of a template are those of the instance, then those of the plan, then those of the task.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from kudo.errors import TaskRenderingError
from kudo.manifests.enhance import enhance
from kudo.manifests.parse import parse
from kudo.model.execution import Metadata, TaskRequest, Variables
from kudo.model.objects import Object
from kudo.templates import Renderer, render_all

Namespaced = Callable[[Object], Awaitable[bool]]
"""Returns whether the kind of an object is namespaced; discovery in the cluster provides this."""


async def build(
    renderer: Renderer,
    request: TaskRequest,
    resources: Iterable[str],
    namespaced: Namespaced,
) -> list[Object]:
    """Render, parse and enhance the objects of the named templates.

    Raises TaskRenderingError, ResourceUnmarshalError and TaskEnhancementError, and the errors of `namespaced`.
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
    """Render and parse templates; both run in the limited process, because parsing can be expensive as well."""
    return parse(render_all(api_version, sources, values), named=named)


def _kind(item: Object) -> tuple[str, str]:
    return item.group, item.kind


def _defined(item: Object) -> Iterator[tuple[tuple[str, str], bool]]:
    """Yield the kind that a CustomResourceDefinition of the same task defines; discovery does not have it yet."""
    if item.kind == "CustomResourceDefinition":
        kind = (item.text("spec", "group"), item.text("spec", "names", "kind"))
        yield kind, item.text("spec", "scope") == "Namespaced"


def source_of(request: TaskRequest, name: str) -> str:
    """Return the source of a template that a task names. Raises TaskRenderingError if it does not exist."""
    if name not in request.templates:
        raise TaskRenderingError(
            f"templates/{name} does not exist in the operator, but the task {request.task.name} uses it"
        )
    return request.templates[name]


def task_variables(request: TaskRequest) -> Variables:
    """Return the variables of the templates of a task."""
    variables = plan_variables(request.metadata, request.params, request.pipes)
    return variables | {"PhaseName": request.phase, "StepName": request.step}


def plan_variables(metadata: Metadata, params: Variables, pipes: Mapping[str, str]) -> Variables:
    """Return the variables that all templates of a plan have in common."""
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
    """Return the variables that do not depend on a plan (KUDO's `pkg/engine/renderer/engine.go`)."""
    return {
        "Params": params,
        "OperatorName": operator_name,
        "Name": name,
        "Namespace": namespace,
        "AppVersion": app_version,
        "OperatorVersion": operator_version,
    }
