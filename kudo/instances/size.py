"""Check that a plan fits into Temporal's payloads and histories."""

from collections.abc import Iterator

from kudo.errors import PlanTooLarge
from kudo.model import limits
from kudo.model.base import byte_size
from kudo.model.execution import ActivePlan
from kudo.model.plans import Phase


def check_size(active: ActivePlan) -> None:
    """Raise PlanTooLarge if a plan would exceed one of Temporal's limits while it runs."""
    for part, size, limit in _sizes(active):
        if size > limit:
            raise PlanTooLarge(
                f"{active.metadata.operator_version_name}: templates and parameters of {part} have {size:,} bytes; the "
                f"limit is {limit:,}. Split the plan into several, or large templates into several operators."
            )


def _sizes(active: ActivePlan) -> Iterator[tuple[str, int, int]]:
    """Yield each part that is sent as one message or kept in one history, with its size and limit in bytes."""
    yield f"the plan {active.name}", byte_size(active), limits.PLAN_BYTES
    common = byte_size(active.metadata) + byte_size(active.params) + limits.TASK_EVENT_BYTES
    sizes = {name: byte_size(text) for name, text in active.templates.items()}
    templates = {task.name: {name: sizes[name] for name in task.template_names()} for task in active.tasks}
    phases = 0
    for phase in active.spec.phases:
        phases += common + sum(_used(phase, templates).values())
        for step in phase.steps:
            size = sum(common + sum(templates[task].values()) for task in step.tasks)
            yield f"the step {phase.name}.{step.name}", size, limits.PLAN_CONTENT_BYTES
    yield f"all phases of the plan {active.name}", phases, limits.PLAN_CONTENT_BYTES


def _used(phase: Phase, templates: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: size for step in phase.steps for task in step.tasks for name, size in templates[task].items()}
