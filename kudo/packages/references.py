"""References between the parts of a package: duplicate names, and names that do not exist.

The checks work on the raw YAML, so that a malformed part does not hide the other problems of a package.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from kudo.model.objects import Object
from kudo.model.suggestion import did_you_mean
from kudo.model.task_kinds import template_names


def reference_problems(operator: Object, params: Object, templates: Iterable[str]) -> Iterator[str]:
    """Yield every broken reference and duplicate name as `file: field: reason`."""
    yield from _plan_problems(operator)
    yield from _task_problems(operator, frozenset(templates))
    yield from _namespace_problems(operator, frozenset(templates))
    yield from _parameter_problems(params)


def _names(parts: Iterable[Object]) -> list[str]:
    return [name for part in parts if (name := part.text("name"))]


def _duplicates(where: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{where}: the name {name!r} occurs {count} times"


def _plan_problems(operator: Object) -> Iterator[str]:
    plans = operator.child("plans")
    tasks = frozenset(_names(operator.children("tasks")))
    for plan in plans.manifest:
        phases = plans.children(plan, "phases")
        yield from _duplicates(f"operator.yaml: plans.{plan}.phases", _names(phases))
        for phase in phases:
            where = f"operator.yaml: plans.{plan}.{phase.text('name')}"
            steps = phase.children("steps")
            yield from _duplicates(f"{where}.steps", _names(steps))
            for step in steps:
                yield from _duplicates(f"{where}.{step.text('name')}.tasks", _listed(step, "tasks"))
                for task in _listed(step, "tasks"):
                    if task not in tasks:
                        yield f"{where}.{step.text('name')}: there is no task {task!r}{did_you_mean(task, tasks)}"


def _task_problems(operator: Object, templates: frozenset[str]) -> Iterator[str]:
    tasks = operator.children("tasks")
    yield from _duplicates("operator.yaml: tasks", _names(tasks))
    for task in tasks:
        for template in template_names(task.text("kind"), task.child("spec").manifest):
            if template not in templates:
                yield (
                    f"operator.yaml: tasks.{task.text('name')}: there is no template templates/{template}"
                    f"{did_you_mean(template, templates)}"
                )


def _namespace_problems(operator: Object, templates: frozenset[str]) -> Iterator[str]:
    manifest = operator.text("namespaceManifest")
    if manifest and manifest not in templates:
        hint = did_you_mean(manifest, templates)
        yield f"operator.yaml: namespaceManifest: there is no template templates/{manifest}{hint}"


def _parameter_problems(params: Object) -> Iterator[str]:
    parameters = params.children("parameters")
    # KUDO compares the names of parameters case-insensitively.
    yield from _duplicates("params.yaml: parameters", (name.lower() for name in _names(parameters)))


def _listed(part: Object, key: str) -> list[str]:
    value = part.manifest.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
