"""Task definitions, by kind; KUDO's `pkg/engine/task` defines their behaviour."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from kudo.model.base import OMIT_EMPTY, Model, Name, PartName, Text
from kudo.model.durations import Duration
from kudo.model.task_kinds import template_names


class Retry(Model):
    """How a task is retried after a transient error."""

    max_attempts: Annotated[int | None, Field(ge=1), OMIT_EMPTY] = None
    """Maximum number of failed attempts; by default the worker's setting. The loss of a worker is no failure."""
    initial_interval: Annotated[Duration | None, OMIT_EMPTY] = None
    """The time before the second attempt, such as 2s; it doubles from attempt to attempt."""
    max_interval: Annotated[Duration | None, OMIT_EMPTY] = None
    """The longest time between two attempts, such as 1m."""


class ResourceSpec(Model):
    """The templates whose objects a task applies or deletes."""

    resources: list[Name] = Field(min_length=1)
    """Files below `templates/`."""


class ToggleSpec(ResourceSpec):
    """Templates whose objects are applied if `parameter` is true, and deleted if it is false."""

    parameter: Name
    """The name of a boolean parameter."""


class DummySpec(Model):
    """The outcome of a Dummy task: fail (without a retry if `fatal`), complete, or never complete."""

    want_err: bool = False
    """Fail; the task is retried."""
    fatal: bool = False
    """With `wantErr`: fail for good, and end the plan."""
    done: bool = False
    """Succeed; without it, and without `wantErr`, the task never ends."""


class PipeFile(Model):
    """A file, or an env file, from which a Secret or ConfigMap is created."""

    file: Text = ""
    """The path of a file in the pod; it becomes one key."""
    env_file: Text = ""
    """The path of a file of NAME=VALUE lines in the pod; each line becomes a key."""
    kind: Literal["Secret", "ConfigMap"]
    """The kind of the object that holds the file."""
    key: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_\-]+$")]
    """The key below `Pipes` by which templates find the name of the object."""

    @model_validator(mode="after")
    def _one_source(self) -> "PipeFile":
        if bool(self.file) == bool(self.env_file):
            raise ValueError("must have exactly one of file and envFile")
        return self

    @property
    def path(self) -> str:
        """The path of the file in the pod."""
        return self.file or self.env_file


class PipeSpec(Model):
    """A pod whose init container writes files that later tasks use."""

    pod: Name
    """The template of the pod, a file below `templates/`."""
    pipe: list[PipeFile] = Field(min_length=1)
    """The files that are copied out of the pod."""


class KudoOperatorSpec(Model):
    """The package and the Instance of a child operator."""

    package: Name
    """The package: a path from this package, a name in a repository, or a URL."""
    instance_name: Text = ""
    """The name of the child's Instance; by default INSTANCE-OPERATOR."""
    app_version: Text = ""
    """The required version of the application."""
    operator_version: Text = ""
    """The required version of the package."""
    parameter_file: Text = ""
    """The template of the child's parameters, a file of NAME: value lines below `templates/`."""


def operator_version_name(operator: str, app_version: str, operator_version: str) -> str:
    """Return the name of an OperatorVersion: `<operator>[-<appVersion>]-<operatorVersion>`."""
    return "-".join(part for part in (operator, app_version, operator_version) if part)


class _Task(Model):
    """The fields of all tasks; only `kudo.dev/v1` has `when`, `retry` and `timeout`."""

    name: PartName
    """The name by which steps use the task."""
    kind: str
    """The kind of the task, which decides on its spec."""
    when: Text = ""
    """A condition, a Jinja2 expression; if it is false, the task is skipped."""
    retry: Annotated[Retry | None, OMIT_EMPTY] = None
    """How the task is retried; by default as the worker is set, and without a limit if it is not."""
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None
    """The time that the task may take with all attempts, such as 10m; by default the worker's setting."""

    def template_names(self) -> list[str]:
        """Return the templates that the task names, in order."""
        return template_names(self.kind, self.to_json().get("spec"))


class ApplyTask(_Task):
    """Apply objects, and wait until all are healthy."""

    kind: Literal["Apply"]
    spec: ResourceSpec
    """The templates of the objects."""


class DeleteTask(_Task):
    """Delete objects, and wait until none exists."""

    kind: Literal["Delete"]
    spec: ResourceSpec
    """The templates of the objects."""


class ToggleTask(_Task):
    """Apply objects if a parameter is true, delete them if it is false."""

    kind: Literal["Toggle"]
    spec: ToggleSpec
    """The parameter and the templates of the objects."""


class DummyTask(_Task):
    """Do nothing: fail, succeed, or never end. For tests."""

    kind: Literal["Dummy"]
    spec: DummySpec = DummySpec()
    """The behaviour of the task."""


class PipeTask(_Task):
    """Run a pod that writes files, and keep the files as Secrets or ConfigMaps."""

    kind: Literal["Pipe"]
    spec: PipeSpec
    """The pod and its files."""


class KudoOperatorTask(_Task):
    """Install or change an instance of another operator, and run its plan."""

    kind: Literal["KudoOperator"]
    spec: KudoOperatorSpec
    """The other operator."""

    @property
    def operator_version_name(self) -> str:
        """The OperatorVersion of the child; tasks of an installed operator have the resolved name and versions."""
        return operator_version_name(self.spec.package, self.spec.app_version, self.spec.operator_version)

    def instance_of(self, parent: str) -> str:
        """Return the name of the child Instance."""
        return self.spec.instance_name or f"{parent}-{self.spec.package}"


Task = Annotated[
    ApplyTask | DeleteTask | ToggleTask | DummyTask | PipeTask | KudoOperatorTask,
    Field(discriminator="kind"),
]
TASK: TypeAdapter[Task] = TypeAdapter(Task)
