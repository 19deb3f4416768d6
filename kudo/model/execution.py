"""What one run of a plan is asked for, and what it works on."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.durations import Duration, show_duration
from kudo.model.plans import Phase, Plan
from kudo.model.status import ChildPlan, ExecutionStatus, PhaseStatus, PlanStatus
from kudo.model.tasks import Task

Variables = dict[str, JsonValue]


class PlanRequest(Model):
    """Asks for a run of a plan; the input of the workflow type `Plan`."""

    model_config = ConfigDict(extra="forbid")

    namespace: Name
    instance: Name
    plan: Name
    parameters: Annotated[dict[str, str], OMIT_EMPTY] = {}
    """For this run alone; never stored in the Instance."""
    resume: Annotated[bool, OMIT_EMPTY] = False
    """Skip what is COMPLETE in the recorded status of this plan."""
    start_from: Text = ""
    """A PHASE or PHASE.STEP; skip what is listed before it."""

    @property
    def workflow_id(self) -> str:
        """One plan per Instance at a time: the workflow's ID is the Instance."""
        return workflow_id(self.namespace, self.instance)


def workflow_id(namespace: str, instance: str) -> str:
    """The ID of the workflow that runs the plans of an Instance."""
    return f"{namespace}/{instance}"


class Metadata(Model):
    """Whose plan it is: what templates, labels, annotations and owner references are made of."""

    operator_name: Name
    operator_version_name: Name
    operator_version: Text = ""
    app_version: Text = ""
    instance_name: Name
    instance_namespace: Name
    instance_uid: Text = ""
    plan_name: Name
    plan_uid: Text = ""
    api_version: Name
    """The dialect of the package: it decides on the template engine."""


class ActivePlan(Model):
    """All that a run needs, read once at its start (KUDO's `engine/workflow.ActivePlan`)."""

    name: Name
    status: PlanStatus
    spec: Plan
    tasks: list[Task]
    templates: dict[str, str]
    params: Variables
    pipes: Annotated[dict[str, str], OMIT_EMPTY] = {}
    metadata: Metadata
    resume: Annotated[bool, OMIT_EMPTY] = False
    """Whether what was COMPLETE before is left out, which holds for the plans of children, too."""


class Deadline(Model):
    """When something has to be done, because a package gave it a `timeout`."""

    at: datetime
    what: Name
    """What has to be done: the plan deploy, the phase main, ..."""
    timeout: Duration

    def missed(self, last: str) -> str:
        """What is said when it was not done; `last` is what it was doing or failing on."""
        return f"The {self.what} was not done within its timeout of {show_duration(self.timeout)}. Last: {last}"


class PhaseRequest(Model):
    """A phase of a plan, with no more than the tasks and templates that it uses; the input of `Phase`."""

    spec: Phase
    status: PhaseStatus
    active: ActivePlan
    deadline: Annotated[Deadline | None, OMIT_EMPTY] = None


class TaskRequest(Model):
    """One task of a step, with the templates that it uses; the input of the task activities."""

    phase: Name
    step: Name
    task: Task
    templates: dict[str, str]
    params: Variables
    pipes: Annotated[dict[str, str], OMIT_EMPTY] = {}
    metadata: Metadata
    resume: Annotated[bool, OMIT_EMPTY] = False
    deadline: Annotated[Deadline | None, OMIT_EMPTY] = None


class ChildRequest(Model):
    """What a KudoOperator task has to run: a plan of its Instance, or nothing where that is as it should be."""

    instance: Name
    plan: Annotated[PlanRequest | None, OMIT_EMPTY] = None


class Approval(Model):
    """Somebody's word on a step that waits for it; the input of `approve` and `refuse`."""

    step: Text = ""
    """PHASE.STEP; may be left out where only one step waits."""
    by: Name
    reason: Text = ""

    def __str__(self) -> str:
        return f"{self.by}: {self.reason}" if self.reason else self.by


class Decision(Model):
    """What became of a step that waits for somebody's approval."""

    step: str
    approved: bool
    approval: Approval


class StepChanged(Model):
    """Sent by a phase to its plan: a step has another status."""

    kind: Literal["step"] = "step"
    phase: Name
    step: Name
    status: ExecutionStatus
    message: Text = ""
    at: datetime


class TaskErrorChanged(Model):
    """Sent by an activity to the plan: a task is retried because of an error, or it got further."""

    kind: Literal["task"] = "task"
    phase: Name
    step: Name
    task: Name
    error: Text = ""
    """The error of the last attempt; empty if the task got further since."""


class ChildPlanStarted(Model):
    """Sent by a phase to its plan: the plan of a child Instance runs for a task."""

    kind: Literal["child"] = "child"
    phase: Name
    step: Name
    task: Name
    child: ChildPlan


class LoadErrorChanged(Model):
    """Sent by an activity to the plan: the plan cannot be loaded at the moment, or it can be again."""

    kind: Literal["load"] = "load"
    error: Text = ""


ProgressMessage = Annotated[
    StepChanged | TaskErrorChanged | ChildPlanStarted | LoadErrorChanged, Field(discriminator="kind")
]
"""A message to a running plan; the signal `report_progress` takes a list of them, in the order of what happened."""


def parse_plan_request(raw: object) -> tuple[PlanRequest, str]:
    """Return the request, and an empty text; or a placeholder, and the reason why `raw` is no request.

    A workflow that raised for its input would be retried for ever, so it reads the input as it comes.
    """
    try:
        return PlanRequest.model_validate(raw), ""
    except ValidationError as error:
        problems = [".".join(map(str, problem["loc"])) + ": " + problem["msg"] for problem in error.errors()]
        explanation = f"The input is no request for a plan ({'; '.join(problems)})."
        return PlanRequest(namespace="unknown", instance="unknown", plan="unknown"), explanation
