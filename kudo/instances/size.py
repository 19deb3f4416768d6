"""Whether a plan fits into Temporal's payloads and histories."""

from collections.abc import Iterator

from kudo.errors import PlanTooLarge
from kudo.model import limits
from kudo.model.execution import ActivePlan
from kudo.model.plans import Phase


def check_size(active: ActivePlan) -> None:
    """Raise PlanTooLarge for a plan that would meet one of Temporal's limits half-way."""
    for what, size, limit in _sizes(active):
        if size > limit:
            raise PlanTooLarge(
                f"{what} of {active.metadata.operator_version_name} has {size:,} bytes of templates and parameters, "
                f"and may have {limit:,}. Split it into several plans, or large templates into several operators."
            )


def _sizes(active: ActivePlan) -> Iterator[tuple[str, int, int]]:
    """Each part that becomes one message or lands in one history, with its size and limit."""
    yield f"The plan {active.name}", len(active.model_dump_json()), limits.PLAN_BYTES
    common = len(active.metadata.model_dump_json()) + len(str(active.params)) + limits.TASK_EVENT_BYTES
    templates = {
        task.name: {name: len(active.templates[name]) for name in task.template_names()} for task in active.tasks
    }
    phases = 0
    for phase in active.spec.phases:
        phases += common + sum(_used(phase, templates).values())
        for step in phase.steps:
            size = sum(common + sum(templates[task].values()) for task in step.tasks)
            yield f"The step {phase.name}.{step.name}", size, limits.PLAN_CONTENT_BYTES
    yield f"All phases of the plan {active.name} together", phases, limits.PLAN_CONTENT_BYTES


def _used(phase: Phase, templates: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: size for step in phase.steps for task in step.tasks for name, size in templates[task].items()}
