"""Plans: a tree of phases, steps and the names of tasks.

`when`, `timeout` and `approval` require `kudo.dev/v1`; KUDO's own dialect does not have them.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from kudo.model.base import OMIT_EMPTY, Model, Name, PartName, Text
from kudo.model.durations import Duration
from kudo.model.tasks import Task

Strategy = Literal["serial", "parallel"]


DEPLOY = "deploy"
UPDATE = "update"
UPGRADE = "upgrade"
CLEANUP = "cleanup"
"""The names of the plans that KUDO's operations run."""


class Step(Model):
    """Tasks that start together, in listed order."""

    name: PartName
    """The name of the step, unique in its phase."""
    tasks: list[Name] = []
    """The names of the tasks."""
    when: Text = ""
    """A condition, a Jinja2 expression; if it is false, the step is SKIPPED."""
    approval: Annotated[bool, OMIT_EMPTY] = False
    """Whether the step waits for approval before its tasks start."""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None
    """The time that the step may take, the approval included, such as 20m."""


class Phase(Model):
    """Steps that run one after the other (serial) or side by side (parallel)."""

    name: PartName
    """The name of the phase, unique in its plan."""
    strategy: Strategy = "serial"
    """Whether the steps run one after the other or side by side."""
    steps: list[Step]
    """The steps."""
    when: Text = ""
    """A condition, a Jinja2 expression; if it is false, the phase is SKIPPED."""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None
    """The time that the phase may take, such as 30m."""


class Plan(Model):
    """Phases that run one after the other (serial) or side by side (parallel)."""

    strategy: Strategy = "serial"
    """Whether the phases run one after the other or side by side."""
    phases: list[Phase]
    """The phases."""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None
    """The time that the plan may take, such as 1h; it stands still while the plan is paused."""

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
