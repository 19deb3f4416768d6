"""The inputs and results of workflows and activities, and the messages that a running plan receives."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.durations import Duration, show_duration
from kudo.model.objects import Object, ObjectRef
from kudo.model.plans import Phase, Plan
from kudo.model.status import ChildPlan, ExecutionStatus, PhaseStatus, PlanStatus
from kudo.model.tasks import Task

Variables = dict[str, JsonValue]


class PlanRequest(Model):
    """A request to run a plan; the input of the workflow type `Plan`."""

    model_config = ConfigDict(extra="forbid")

    namespace: Name
    instance: Name
    plan: Name
    parameters: Annotated[dict[str, str], OMIT_EMPTY] = {}
    """Parameters for this run only; never stored in the Instance."""
    resume: Annotated[bool, OMIT_EMPTY] = False
    """Skip steps that are COMPLETE in the recorded status of this plan."""
    start_from: Text = ""
    """PHASE or PHASE.STEP; the phases and steps listed before it are skipped."""
    report_to_parent: Annotated[bool, OMIT_EMPTY] = False
    """Whether the workflow that starts the run as a child gets its status by the signal `report_child`, a ChildPlan."""

    @property
    def options(self) -> str:
        """The options with which a command names the Instance."""
        return f"--instance {self.instance} --namespace {self.namespace}"

    @property
    def workflow_id(self) -> str:
        """The ID of the workflow, `{namespace}/{instance}`.

        Temporal runs one workflow per ID, so an Instance runs one plan at a time.
        """
        return workflow_id(self.namespace, self.instance)


def workflow_id(namespace: str, instance: str) -> str:
    """Return the ID of the workflow that runs the plans of an Instance."""
    return f"{namespace}/{instance}"


class Metadata(Model):
    """The Instance and operator of a plan: the source of variables, labels, annotations and owner references."""

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
    """The dialect of the package, which selects the template engine."""
    rewrite_api_versions: Annotated[bool, OMIT_EMPTY] = False
    """Whether objects are rewritten to API versions that Kubernetes serves."""


class ActivePlan(Model):
    """Everything that a run needs, read once at its start (KUDO's `engine/workflow.ActivePlan`)."""

    name: Name
    status: PlanStatus
    spec: Plan
    tasks: list[Task]
    templates: dict[str, str]
    params: Variables
    pipes: Annotated[dict[str, str], OMIT_EMPTY] = {}
    metadata: Metadata
    resume: Annotated[bool, OMIT_EMPTY] = False
    """Whether steps that were COMPLETE before are skipped, also in the plans of children."""


class Deadline(Model):
    """The time by which a plan, phase, step or task with a `timeout` must complete."""

    at: datetime
    what: Name
    """The subject of the deadline: `plan deploy`, `phase main`, …"""
    timeout: Duration

    def missed_message(self, last_state: str) -> str:
        """Return the message of a missed deadline; `last_state` is the last known state or error."""
        timeout = show_duration(self.timeout)
        return f"The {self.what} did not complete within its timeout of {timeout}. Last state: {last_state}"


class PhaseRequest(Model):
    """A phase of a plan, with only the tasks and templates that it uses; the input of `Phase`."""

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


class WaitedObject(Model):
    """An object that a task waits for; `namespace` is empty for a cluster-scoped one."""

    api_version: Name
    kind: Name
    namespace: Text = ""
    name: Name
    uid: Name

    @classmethod
    def of(cls, item: Object) -> Self:
        return cls(api_version=item.api_version, kind=item.kind, namespace=item.namespace, name=item.name, uid=item.uid)

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.api_version, self.kind, self.namespace, self.name)


class LongWait(Model):
    """A task that has done its work, and waits for longer than its activity does.

    The result of that activity, and the input of the activity `wait`, which continues the wait.
    """

    phase: Name
    step: Name
    task: Task
    metadata: Metadata
    until: Literal["healthy", "deleted"]
    objects: list[WaitedObject]
    reported_wait: Text = ""
    """What the plan was told that the task waits for."""
    deadline: Annotated[Deadline | None, OMIT_EMPTY] = None


class PreparedChild(Model):
    """The child Instance of a KudoOperator task, and the plan that has to run in it; the result of `prepare_child`."""

    instance: Name
    plan: Annotated[PlanRequest | None, OMIT_EMPTY] = None
    """None if the child is up to date."""


class Approval(Model):
    """The author and the reason of an approval or a refusal of a step; the input of `approve` and `refuse`."""

    step: Text = ""
    """PHASE.STEP; may be empty if only one step waits."""
    by: Name
    reason: Text = ""

    def __str__(self) -> str:
        return f"{self.by}: {self.reason}" if self.reason else self.by


class Decision(Model):
    """An Approval that was accepted, with `approved` false for a refusal; sent by the plan to the phase."""

    step: str
    approved: bool
    approval: Approval


class StepChanged(Model):
    """Sent by a phase to its plan: the status of a step has changed."""

    kind: Literal["step"] = "step"
    phase: Name
    step: Name
    status: ExecutionStatus
    message: Text = ""
    at: datetime


class TaskErrorChanged(Model):
    """Sent by an activity: a task is retried because of an error, or has made progress since."""

    kind: Literal["task"] = "task"
    phase: Name
    step: Name
    task: Name
    error: Text = ""
    """The error of the last attempt; empty if the task has made progress since."""
    attempt: Annotated[int, OMIT_EMPTY] = 0
    """The number of the attempt that failed, from 1."""


class TaskWaitChanged(Model):
    """Sent by an activity: what a task has been waiting for, for some time; empty if it waits no longer."""

    kind: Literal["wait"] = "wait"
    phase: Name
    step: Name
    task: Name
    waiting: Text = ""


class ChildPlanChanged(Model):
    """Sent by a phase to its plan: the plan of a child Instance has started for a task, or its status has changed."""

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
    StepChanged | TaskErrorChanged | TaskWaitChanged | ChildPlanChanged | LoadErrorChanged, Field(discriminator="kind")
]
"""A message to a running plan; the signal `report_progress` takes a list of them, in chronological order."""


def parse_plan_request(raw: object) -> tuple[PlanRequest, str]:
    """Return the request and an empty text, or a placeholder and the reason why `raw` is not a request.

    Does not raise: Temporal retries a workflow task that raises without end, and the same input would raise each time.
    """
    try:
        return PlanRequest.model_validate(raw), ""
    except ValidationError as error:
        problems = [".".join(map(str, problem["loc"])) + ": " + problem["msg"] for problem in error.errors()]
        explanation = f"The input is not a valid PlanRequest ({'; '.join(problems)})."
        return PlanRequest(namespace="unknown", instance="unknown", plan="unknown"), explanation
