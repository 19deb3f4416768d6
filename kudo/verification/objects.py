"""Checks of the objects that templates render to."""

from collections import Counter
from collections.abc import Iterable, Iterator

from kudo.errors import KudoError
from kudo.manifests.api_versions import removal_of
from kudo.manifests.health_rules import check_health_rules
from kudo.manifests.pipes import pod_problems
from kudo.manifests.recreate_policy import recreate_policy
from kudo.model.objects import Object, ObjectRef
from kudo.model.package import Package
from kudo.model.tasks import ApplyTask, PipeTask
from kudo.verification.finding import Finding, error, warning
from kudo.verification.kubernetes_schema import schema
from kudo.verification.templates import Rendered


def object_findings(package: Package, rendered: Rendered, kubernetes: str) -> Iterator[Finding]:
    """Yield the findings of objects that the API of a minor version of Kubernetes, or a plan, would reject.

    They are unknown fields and kinds, values of the wrong type, removed API versions, invalid annotations and pipe
    pods, Namespaces outside of the namespaceManifest, and objects that a plan applies twice.
    """
    pods = {task.spec.pod: task.spec.pipe for task in package.operator.tasks if isinstance(task, PipeTask)}
    for name, objects in rendered.items():
        yield from _annotation_findings(name, objects)
        for item in objects:
            yield from _kubernetes_findings(name, item, kubernetes, is_pipe_pod=name in pods)
        if name in pods:
            yield from (error(f"templates/{name}: {text}") for text in pod_problems(objects, pods[name]))
        yield from _namespace_findings(package, name, objects)
    yield from _duplicate_findings(package, rendered)


def _annotation_findings(name: str, objects: Iterable[Object]) -> Iterator[Finding]:
    for item in objects:
        try:
            check_health_rules(item)
            recreate_policy(item)
        except KudoError as problem:
            yield error(f"templates/{name}: {problem}")


def _kubernetes_findings(name: str, item: Object, kubernetes: str, *, is_pipe_pod: bool) -> Iterator[Finding]:
    where = f"templates/{name}: {item.kind} {item.name}".rstrip()
    if removal := removal_of(item, kubernetes):
        replacement = f"use {removal.successor}" if removal.successor else "nothing took its place"
        yield warning(
            f"{where}: {item.api_version} does not exist since Kubernetes {removal.removed_in}; {replacement}"
        )
    elif not removal_of(item):
        for problem in schema().problems(item):
            # A Pipe task adds the container of its pod.
            if not is_pipe_pod or problem != "spec.containers: is missing":
                yield error(f"{where}: {problem}")


def _namespace_findings(package: Package, name: str, objects: Iterable[Object]) -> Iterator[Finding]:
    kinds = [item.kind for item in objects]
    if name == package.operator.namespace_manifest:
        if kinds != ["Namespace"]:
            yield error(f"templates/{name}: the namespaceManifest must be one Namespace")
    elif "Namespace" in kinds:
        yield error(f"templates/{name}: only the namespaceManifest may be a Namespace")


def _duplicate_findings(package: Package, rendered: Rendered) -> Iterator[Finding]:
    tasks = {task.name: task for task in package.operator.tasks}
    reported: set[tuple[str, ObjectRef]] = set()
    for plan, spec in package.operator.plans.items():
        seen: dict[ObjectRef, str] = {}
        applied = [task for name in spec.task_names() if isinstance(task := tasks[name], ApplyTask) and not task.when]
        for name in dict.fromkeys(name for task in applied for name in task.template_names()):
            for item in rendered.get(name, ()):
                first = seen.setdefault(item.ref, name)
                if first != name and (name, item.ref) not in reported:
                    reported.add((name, item.ref))
                    yield warning(
                        f"templates/{name}: {item.ref} is in templates/{first} as well, and the plan {plan!r} applies "
                        "both"
                    )
    for name, objects in rendered.items():
        for ref, count in Counter(item.ref for item in objects).items():
            if count > 1:
                yield warning(f"templates/{name}: {ref} is in this template {count} times; the last one counts")
