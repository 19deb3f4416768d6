"""Plans: a tree of phases, steps and the names of tasks.

`when`, `timeout` and `approval` are of `kudo.dev/v1`; KUDO's own dialect has none of them.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.durations import Duration
from kudo.model.tasks import Task

Strategy = Literal["serial", "parallel"]


class Step(Model):
    """Tasks that are started together, in listed order."""

    name: Name
    tasks: list[Name] = []
    when: Text = ""
    """A condition; where it is false, the step is SKIPPED."""
    approval: Annotated[bool, OMIT_EMPTY] = False
    """Wait until somebody approves, before the tasks are started."""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None
    """How long the step may take, the approval included."""


class Phase(Model):
    """Steps, one after the other or side by side."""

    name: Name
    strategy: Strategy = "serial"
    steps: list[Step]
    when: Text = ""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None


class Plan(Model):
    """Phases, one after the other or side by side."""

    strategy: Strategy = "serial"
    phases: list[Phase]
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None

    def task_names(self) -> list[str]:
        """The tasks that the plan uses, each once, in the order of first use."""
        names = (task for phase in self.phases for step in phase.steps for task in step.tasks)
        return list(dict.fromkeys(names))


def conditions(name: str, plan: Plan, tasks: Iterable[Task]) -> dict[str, str]:
    """The conditions (`when`) of a plan and its tasks, by where in operator.yaml they are."""
    return {where: condition for where, condition in _conditions(name, plan, tasks) if condition}


def _conditions(name: str, plan: Plan, tasks: Iterable[Task]) -> Iterator[tuple[str, str]]:
    for phase in plan.phases:
        yield f"plans.{name}.{phase.name}", phase.when
        for step in phase.steps:
            yield f"plans.{name}.{phase.name}.{step.name}", step.when
    for task in tasks:
        yield f"tasks.{task.name}", task.when
