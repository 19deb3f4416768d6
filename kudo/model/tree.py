"""A status as the tree that KUDO draws."""

from collections.abc import Iterator

from kudo.model.status import PhaseStatus, PlanStatus, StepStatus

Branch = tuple[str, list["Branch"]]


def status_tree(instance: str, *plans: PlanStatus) -> str:
    """The status of plans as a tree, with the messages of steps below them."""
    return "\n".join(_lines([(instance, [_plan(plan) for plan in plans])], ""))


def _plan(plan: PlanStatus) -> Branch:
    no_children: list[Branch] = []
    strategy = f" ({plan.strategy} strategy)" if plan.strategy else ""
    message = [(line, no_children) for line in plan.message.splitlines()]
    return f"Plan {plan.name}{strategy} [{plan.status}]", [*message, *(_phase(phase) for phase in plan.phases)]


def _phase(phase: PhaseStatus) -> Branch:
    return f"Phase {phase.name} [{phase.status}]", [_step(step) for step in phase.steps]


def _step(step: StepStatus) -> Branch:
    return f"Step {step.name} ({step.status})", [(line, []) for line in step.message.splitlines()]


def _lines(branches: list[Branch], indent: str) -> Iterator[str]:
    for index, (text, children) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{indent}{'└──' if last else '├──'} {text}"
        yield from _lines(children, indent + ("   " if last else "│  "))
