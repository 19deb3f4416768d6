"""Task definitions, by kind; KUDO's `pkg/engine/task` defines their behaviour."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.durations import Duration
from kudo.model.task_kinds import template_names


class Retry(Model):
    """The retry policy of a task after transient errors; requires `kudo.dev/v1`."""

    max_attempts: Annotated[int | None, Field(ge=1), OMIT_EMPTY] = None
    """Maximum number of failed attempts; None is unlimited. The loss of a worker does not count as a failure."""
    initial_interval: Annotated[Duration | None, OMIT_EMPTY] = None
    """The time before the second attempt; it doubles with each attempt."""
    max_interval: Annotated[Duration | None, OMIT_EMPTY] = None


class ResourceSpec(Model):
    """The templates whose objects a task applies or deletes."""

    resources: list[Name] = Field(min_length=1)


class ToggleSpec(ResourceSpec):
    """Templates whose objects are applied if `parameter` is true, and deleted if it is false."""

    parameter: Name


class DummySpec(Model):
    """The outcome of a Dummy task: fail (without a retry if `fatal`), complete, or never complete."""

    want_err: bool = False
    fatal: bool = False
    done: bool = False


class PipeFile(Model):
    """A file, or an env file, from which a Secret or ConfigMap is created."""

    file: Text = ""
    env_file: Text = ""
    kind: Literal["Secret", "ConfigMap"]
    key: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_\-]+$")]

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
    pipe: list[PipeFile] = Field(min_length=1)


class KudoOperatorSpec(Model):
    """The package and the Instance of a child operator."""

    package: Name
    instance_name: Text = ""
    app_version: Text = ""
    operator_version: Text = ""
    parameter_file: Text = ""


def operator_version_name(operator: str, app_version: str, operator_version: str) -> str:
    """Return the name of an OperatorVersion: `<operator>[-<appVersion>]-<operatorVersion>`."""
    return "-".join(part for part in (operator, app_version, operator_version) if part)


class _Task(Model):
    name: Name
    kind: str
    when: Text = ""
    """A condition; if it is false, the task is skipped. `when`, `retry` and `timeout` require `kudo.dev/v1`."""
    retry: Annotated[Retry | None, OMIT_EMPTY] = None
    timeout: Annotated[Duration | None, OMIT_EMPTY] = None

    def template_names(self) -> list[str]:
        """Return the templates that the task names, in order."""
        return template_names(self.kind, self.to_json().get("spec"))


class ApplyTask(_Task):
    kind: Literal["Apply"]
    spec: ResourceSpec


class DeleteTask(_Task):
    kind: Literal["Delete"]
    spec: ResourceSpec


class ToggleTask(_Task):
    kind: Literal["Toggle"]
    spec: ToggleSpec


class DummyTask(_Task):
    kind: Literal["Dummy"]
    spec: DummySpec = DummySpec()


class PipeTask(_Task):
    kind: Literal["Pipe"]
    spec: PipeSpec


class KudoOperatorTask(_Task):
    kind: Literal["KudoOperator"]
    spec: KudoOperatorSpec

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
