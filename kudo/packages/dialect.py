"""Fields that only packages of `kudo.dev/v1` may have: KUDO would ignore them and run the plan differently."""

from collections.abc import Iterator

from kudo.model.objects import Object

FIELDS = ("when", "timeout", "approval", "retry")


def newer_fields(operator: Object) -> Iterator[str]:
    """Yield `field: reason` for each such field of an operator.yaml, or of the spec of an OperatorVersion."""
    for where, part in _parts(operator):
        for field in FIELDS:
            if part.has(field):
                yield f"{where}.{field}: requires a package with apiVersion kudo.dev/v1"


def _parts(operator: Object) -> Iterator[tuple[str, Object]]:
    for task in operator.children("tasks"):
        yield f"tasks.{task.text('name')}", task
    for name in operator.child("plans").manifest:
        plan = operator.child("plans", name)
        yield f"plans.{name}", plan
        for phase in plan.children("phases"):
            where = f"plans.{name}.{phase.text('name')}"
            yield where, phase
            for step in phase.children("steps"):
                yield f"{where}.{step.text('name')}", step
