"""Plans: a tree of phases, steps and the names of tasks."""

from typing import Literal

from kudo.model.base import Model, Name

Strategy = Literal["serial", "parallel"]


class Step(Model):
    """Tasks that are started together, in listed order."""

    name: Name
    tasks: list[Name] = []


class Phase(Model):
    """Steps, one after the other or side by side."""

    name: Name
    strategy: Strategy = "serial"
    steps: list[Step]


class Plan(Model):
    """Phases, one after the other or side by side."""

    strategy: Strategy = "serial"
    phases: list[Phase]

    def task_names(self) -> list[str]:
        """The tasks that the plan uses, each once, in the order of first use."""
        names = (task for phase in self.phases for step in phase.steps for task in step.tasks)
        return list(dict.fromkeys(names))
