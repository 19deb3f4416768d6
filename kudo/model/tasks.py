"""The kinds of tasks; what each does is in KUDO's `pkg/engine/task`."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from kudo.model.base import Model, Name, Text


class ResourceSpec(Model):
    """Template files whose objects a task applies or deletes."""

    resources: list[Name] = Field(min_length=1)


class ToggleSpec(ResourceSpec):
    """Objects that are there when `parameter` is true, and gone when it is false."""

    parameter: Name


class DummySpec(Model):
    """What a Dummy task does: fail (for good when `fatal`), be done, or never be done."""

    want_err: bool = False
    fatal: bool = False
    done: bool = False


class PipeFile(Model):
    """A file, or a file of environment variables, that becomes a Secret or ConfigMap."""

    file: Text = ""
    env_file: Text = ""
    kind: Literal["Secret", "ConfigMap"]
    key: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_\-]+$")]

    @model_validator(mode="after")
    def _one_source(self) -> "PipeFile":
        if bool(self.file) == bool(self.env_file):
            raise ValueError("needs exactly one of file and envFile")
        return self


class PipeSpec(Model):
    """A pod whose init container writes files that later tasks use."""

    pod: Name
    pipe: list[PipeFile] = Field(min_length=1)


class KudoOperatorSpec(Model):
    """A child operator."""

    package: Name
    instance_name: Text = ""
    app_version: Text = ""
    operator_version: Text = ""
    parameter_file: Text = ""


class ApplyTask(Model):
    kind: Literal["Apply"]
    name: Name
    spec: ResourceSpec

    def template_names(self) -> list[str]:
        return self.spec.resources


class DeleteTask(Model):
    kind: Literal["Delete"]
    name: Name
    spec: ResourceSpec

    def template_names(self) -> list[str]:
        return self.spec.resources


class ToggleTask(Model):
    kind: Literal["Toggle"]
    name: Name
    spec: ToggleSpec

    def template_names(self) -> list[str]:
        return self.spec.resources


class DummyTask(Model):
    kind: Literal["Dummy"]
    name: Name
    spec: DummySpec = DummySpec()

    def template_names(self) -> list[str]:
        return []


class PipeTask(Model):
    kind: Literal["Pipe"]
    name: Name
    spec: PipeSpec

    def template_names(self) -> list[str]:
        return [self.spec.pod]


class KudoOperatorTask(Model):
    kind: Literal["KudoOperator"]
    name: Name
    spec: KudoOperatorSpec

    def template_names(self) -> list[str]:
        return [self.spec.parameter_file] if self.spec.parameter_file else []


Task = Annotated[
    ApplyTask | DeleteTask | ToggleTask | DummyTask | PipeTask | KudoOperatorTask,
    Field(discriminator="kind"),
]

UNSUPPORTED = ("Pipe", "KudoOperator")
"""Kinds that are read, but cannot be run yet."""

TASK: TypeAdapter[Task] = TypeAdapter(Task)
