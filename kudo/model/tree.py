"""Plans and their status as text trees, like KUDO's."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from kudo.model.durations import show_elapsed
from kudo.model.plans import Plan
from kudo.model.status import ChildPlan, ExecutionState, PhaseStatus, PlanStatus, StepStatus

Branch = tuple[str, list["Branch"]]


def status_tree(instance: str, *plans: PlanStatus, now: datetime | None = None) -> str:
    """Return the status of plans as a tree, with the messages of steps, and durations up to `now` if given."""
    return draw([(instance, [_plan(plan, now) for plan in plans])])


def phase_tree(phase: PhaseStatus) -> str:
    """Return the status of a phase as a tree."""
    return draw([_phase(phase, None)])


def plan_tree(operator: str, plans: Mapping[str, Plan]) -> str:
    """Return the definition of plans as a tree, down to the tasks."""
    return draw([(operator, [_defined(name, plan) for name, plan in plans.items()])])


def _defined(name: str, plan: Plan) -> Branch:
    phases: list[Branch] = []
    for phase in plan.phases:
        steps: list[Branch] = [(f"Step {step.name}", [(task, []) for task in step.tasks]) for step in phase.steps]
        phases.append((f"Phase {phase.name} ({phase.strategy} strategy)", steps))
    return f"Plan {name} ({plan.strategy} strategy)", phases


def _plan(plan: PlanStatus, now: datetime | None) -> Branch:
    no_children: list[Branch] = []
    strategy = f" ({plan.strategy} strategy)" if plan.strategy else ""
    paused = " PAUSED" if plan.paused else ""
    message = [(line, no_children) for line in plan.message.splitlines()]
    phases = [_phase(phase, now) for phase in plan.phases]
    return f"Plan {plan.name}{strategy} [{plan.status}]{paused}{_duration(plan, now)}", [*message, *phases]


def _phase(phase: PhaseStatus, now: datetime | None) -> Branch:
    return f"Phase {phase.name} [{phase.status}]{_duration(phase, now)}", [_step(step, now) for step in phase.steps]


def _step(step: StepStatus, now: datetime | None) -> Branch:
    message: list[Branch] = [(line, []) for line in step.message.splitlines()]
    children = [_child(child, now) for child in step.children]
    return f"Step {step.name} ({step.status}){_duration(step, now)}", [*message, *children]


def _child(child: ChildPlan, now: datetime | None) -> Branch:
    below: Branch = _plan(child.status, now) if child.status else (f"Plan {child.plan}", [])
    return f"Instance {child.instance}", [below]


def _duration(part: ExecutionState, now: datetime | None) -> str:
    """Return the duration until completion or `now`; empty without `now` or a start time."""
    if now is None or part.start_time is None:
        return ""
    return f" {show_elapsed((part.completion_time or now) - part.start_time)}"


def draw(branches: list[Branch]) -> str:
    """Return branches as lines of a tree."""
    return "\n".join(_lines(branches, ""))


def _lines(branches: list[Branch], indent: str) -> Iterator[str]:
    for index, (text, children) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{indent}{'└──' if last else '├──'} {text}"
        yield from _lines(children, indent + ("   " if last else "│  "))
