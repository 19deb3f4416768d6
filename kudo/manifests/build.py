"""Build the objects that a task applies or deletes from its templates.

    templates + variables -> render (engine) -> parse (YAML to objects) -> enhance (labels, owner, ...) -> objects
                             `-------- in a process of the Renderer -------'

The variables of a template are those of the instance, then those of the plan, then those of the task.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from kudo.errors import KindNotFound, TaskRenderingError
from kudo.manifests.api_versions import served
from kudo.manifests.enhance import enhance
from kudo.manifests.parse import parse
from kudo.model.execution import Metadata, TaskRequest, Variables
from kudo.model.objects import Object
from kudo.templates import Renderer, render_all

Namespaced = Callable[[Object], Awaitable[bool]]
"""Returns whether the kind of an object is namespaced; raises KindNotFound if it does not know the kind."""


async def render_objects(renderer: Renderer, request: TaskRequest, resources: Iterable[str]) -> list[Object]:
    """Render and parse the named templates. Raises TaskRenderingError and ResourceUnmarshalError."""
    sources = {name: source_of(request, name) for name in resources}
    what = ", ".join(f"templates/{name}" for name in sources)
    objects = await renderer.run(what, render, request.metadata.api_version, sources, task_variables(request))
    return [served(item) for item in objects] if request.metadata.rewrite_api_versions else objects


async def enhance_all(objects: Iterable[Object], request: TaskRequest, namespaced: Namespaced) -> list[Object]:
    """Enhance rendered objects. Raises TaskEnhancementError, and the errors of `namespaced`."""
    return [enhance(item, request, await namespaced(item)) for item in objects]


def or_as_defined(namespaced: Namespaced, objects: Iterable[Object], default: bool | None = None) -> Namespaced:
    """Return a function that also knows the kinds which the objects define, if `namespaced` raises KindNotFound.

    A definition counts for a kind of its own group alone; what the API serves is never overridden. Other unknown kinds
    are as `default` says, or the function raises KindNotFound.
    """
    defined = dict(map(_scope, filter(_is_definition, objects)))

    async def namespaced_or_defined(item: Object) -> bool:
        try:
            return await namespaced(item)
        except KindNotFound:
            scope = defined.get((item.group, item.kind), default)
            if scope is None:
                raise
            return scope

    return namespaced_or_defined


def _is_definition(item: Object) -> bool:
    # The groups of custom resources have a dot; those without one are Kubernetes' own.
    return (
        item.group == "apiextensions.k8s.io"
        and item.kind == "CustomResourceDefinition"
        and "." in item.text("spec", "group")
    )


def _scope(definition: Object) -> tuple[tuple[str, str], bool]:
    kind = (definition.text("spec", "group"), definition.text("spec", "names", "kind"))
    return kind, definition.text("spec", "scope") == "Namespaced"


def render(api_version: str, sources: Mapping[str, str], values: Variables, *, named: bool = True) -> list[Object]:
    """Render and parse templates; both run in the limited process, because parsing can be expensive as well."""
    return parse(render_all(api_version, sources, values), named=named)


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
