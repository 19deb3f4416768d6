"""Plans and their status as text trees, like KUDO's."""

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial

from kudo.model.durations import show_elapsed
from kudo.model.plans import Plan
from kudo.model.status import ChildPlan, ExecutionState, ExecutionStatus, PhaseStatus, PlanStatus, StepStatus

Branch = tuple[str, list["Branch"]]

Timing = Callable[[ExecutionState], str]
"""Returns what a line says about the time of its part, with a leading space, or nothing."""


def status_tree(
    instance: str, *plans: PlanStatus, now: datetime | None = None, fold: int = 0, times: bool = False
) -> str:
    """Return the status of plans as a tree, with the messages of steps, and durations up to `now` if given.

    With `times`, parts that have ended have their duration, and others the time of their start, in UTC.
    `fold` leaves out more and more of what needs no attention: 1 the steps of phases that have ended well or not begun,
    2 also such steps of other phases, of which only the number is shown.
    """
    timing = partial(_duration, now=now) if now else _times if times else _no_time
    return draw([(instance, [_plan(plan, timing, fold) for plan in plans])])


MOST_FOLDED = 2
"""The largest useful `fold`."""


def phase_tree(phase: PhaseStatus) -> str:
    """Return the status of a phase as a tree."""
    return draw([_phase(phase, _no_time, 0)])


def arranged(plans: Iterable[PlanStatus]) -> list[PlanStatus]:
    """Return plans so that the one that runs, or ran last, is the last one, and the only one with its phases."""

    def when(plan: PlanStatus) -> tuple[bool, float, str]:
        updated = plan.last_updated_timestamp
        return plan.status.is_running, updated.timestamp() if updated else 0.0, plan.name

    ordered = sorted(plans, key=when)
    running = [plan for plan in ordered if plan.status.is_running]
    shown = running or ordered[-1:]
    return [plan if plan in shown else plan.model_copy(update={"phases": []}) for plan in ordered]


def plan_tree(operator: str, plans: Mapping[str, Plan]) -> str:
    """Return the definition of plans as a tree, down to the tasks."""
    return draw([(operator, [_defined(name, plan) for name, plan in plans.items()])])


def _defined(name: str, plan: Plan) -> Branch:
    phases: list[Branch] = []
    for phase in plan.phases:
        steps: list[Branch] = [(f"Step {step.name}", [(task, []) for task in step.tasks]) for step in phase.steps]
        phases.append((f"Phase {phase.name} ({phase.strategy} strategy)", steps))
    return f"Plan {name} ({plan.strategy} strategy)", phases


def _plan(plan: PlanStatus, timing: Timing, fold: int) -> Branch:
    no_children: list[Branch] = []
    # With times, a line has no room for it beside the column of the Web UI.
    strategy = f" ({plan.strategy} strategy)" if plan.strategy and timing is not _times else ""
    paused = " PAUSED" if plan.paused else ""
    message = [(line, no_children) for line in plan.message.splitlines()]
    phases = [_phase(phase, timing, fold) for phase in plan.phases]
    return f"Plan {plan.name}{strategy} [{plan.status}]{paused}{timing(plan)}", [*message, *phases]


def _phase(phase: PhaseStatus, timing: Timing, fold: int) -> Branch:
    text = f"Phase {phase.name} [{phase.status}]{timing(phase)}"
    if fold >= 1 and _needs_no_attention(phase):
        return text, []
    if fold < MOST_FOLDED:
        return text, [_step(step, timing, fold) for step in phase.steps]
    counted: list[Branch] = [
        (f"{count} {'step' if count == 1 else 'steps'} {status}", [])
        for status, count in Counter(step.status for step in phase.steps if _needs_no_attention(step)).items()
    ]
    return text, [*counted, *(_step(step, timing, fold) for step in phase.steps if not _needs_no_attention(step))]


def _needs_no_attention(part: ExecutionState) -> bool:
    return part.status.is_done or part.status is ExecutionStatus.PENDING


def _step(step: StepStatus, timing: Timing, fold: int) -> Branch:
    message: list[Branch] = [(line, []) for line in step.message.splitlines()]
    children = [_child(child, timing, fold) for child in step.children]
    return f"Step {step.name} ({step.status}){timing(step)}", [*message, *children]


def _child(child: ChildPlan, timing: Timing, fold: int) -> Branch:
    below: Branch = _plan(child.status, timing, fold) if child.status else (f"Plan {child.plan}", [])
    return f"Instance {child.instance}", [below]


def _duration(part: ExecutionState, now: datetime) -> str:
    """Return the duration until completion or `now`; empty without a start time."""
    if part.start_time is None:
        return ""
    return f" {show_elapsed((part.completion_time or now) - part.start_time)}"


def _times(part: ExecutionState) -> str:
    """Return the duration of a part that has ended, or the time of its start; empty without one."""
    if part.start_time is None:
        return ""
    if part.completion_time:
        return f" {show_elapsed(part.completion_time - part.start_time)}"
    return f" since {part.start_time:%H:%M:%S} UTC"


def _no_time(_: ExecutionState) -> str:
    return ""


def draw(branches: list[Branch]) -> str:
    """Return branches as lines of a tree."""
    return "\n".join(_lines(branches, ""))


NARROWEST = 20
"""Characters of text into which long lines are wrapped at least; in less room they stay as they are."""


def wrapped(tree: str, width: int) -> str:
    """Return a tree with its long lines wrapped, so that they stay beside their branch."""
    return "\n".join(line for text in tree.splitlines() for line in _wrapped(text, width))


_BRANCH = re.compile(r"((?:   |│  )*)([├└]──) ")


def _wrapped(line: str, width: int) -> list[str]:
    branch = _BRANCH.match(line)
    if len(line) <= width or branch is None or width - branch.end() < NARROWEST:
        return [line]
    beside = branch[1] + ("│   " if branch[2] == "├──" else "    ")
    return textwrap.wrap(
        line[branch.end() :], width, initial_indent=branch[0], subsequent_indent=beside, break_on_hyphens=False
    )


def _lines(branches: list[Branch], indent: str) -> Iterator[str]:
    for index, (text, children) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{indent}{'└──' if last else '├──'} {text}"
        yield from _lines(children, indent + ("   " if last else "│  "))
