"""What Temporal can carry: messages of 2 MB, and histories of 50 MB."""

from collections.abc import Iterator

from kudo.errors import PlanTooLarge
from kudo.model.execution import ActivePlan
from kudo.model.plans import Phase

MAX_MESSAGE = 1_800_000
"""What a plan may have as JSON."""

MAX_HISTORY = 30_000_000
"""What the phases of a plan, or the tasks of a step, may have together; the rest is for what happens to them."""

OVERHEAD = 1_500
"""Bytes of the events of a task, beside its templates and parameters."""


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
    yield f"The plan {active.name}", len(active.model_dump_json()), MAX_MESSAGE
    common = len(active.metadata.model_dump_json()) + len(str(active.params)) + OVERHEAD
    templates = {
        task.name: {name: len(active.templates[name]) for name in task.template_names()} for task in active.tasks
    }
    phases = 0
    for phase in active.spec.phases:
        phases += common + sum(_used(phase, templates).values())
        for step in phase.steps:
            size = sum(common + sum(templates[task].values()) for task in step.tasks)
            yield f"The step {phase.name}.{step.name}", size, MAX_HISTORY
    yield f"All phases of the plan {active.name} together", phases, MAX_HISTORY


def _used(phase: Phase, templates: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: size for step in phase.steps for task in step.tasks for name, size in templates[task].items()}
