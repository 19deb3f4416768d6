"""Plans: a tree of phases, steps and the names of tasks.

`when`, `timeout` and `approval` require `kudo.dev/v1`; KUDO's own dialect does not have them.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.durations import Duration
from kudo.model.tasks import Task

Strategy = Literal["serial", "parallel"]


class Step(Model):
    """Tasks that start together, in listed order."""

    name: Name
    tasks: list[Name] = []
    when: Text = ""
    """A condition; if it is false, the step is SKIPPED."""
    approval: Annotated[bool, OMIT_EMPTY] = False
    """Whether the step waits for approval before its tasks start."""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None
    """Maximum duration of the step, including the wait for approval."""


class Phase(Model):
    """Steps that run one after the other (serial) or side by side (parallel)."""

    name: Name
    strategy: Strategy = "serial"
    steps: list[Step]
    when: Text = ""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None


class Plan(Model):
    """Phases that run one after the other (serial) or side by side (parallel)."""

    strategy: Strategy = "serial"
    phases: list[Phase]
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None

    def task_names(self) -> list[str]:
        """Return the names of the tasks that the plan uses, each once, in the order of first use."""
        names = (task for phase in self.phases for step in phase.steps for task in step.tasks)
        return list(dict.fromkeys(names))


def conditions(name: str, plan: Plan, tasks: Iterable[Task]) -> dict[str, str]:
    """Return the conditions (`when`) of a plan and of tasks, by their location in operator.yaml."""
    return {where: condition for where, condition in _conditions(name, plan, tasks) if condition}


def _conditions(name: str, plan: Plan, tasks: Iterable[Task]) -> Iterator[tuple[str, str]]:
    for phase in plan.phases:
        yield f"plans.{name}.{phase.name}", phase.when
        for step in phase.steps:
            yield f"plans.{name}.{phase.name}.{step.name}", step.when
    for task in tasks:
        yield f"tasks.{task.name}", task.when
