"""Hints for unknown fields of operator.yaml and params.yaml."""

from kudo.model.base import Model
from kudo.model.package import OperatorFile, ParameterDefinition, ParameterGroup, ParamsFile
from kudo.model.plans import Phase, Plan, Step
from kudo.model.suggestion import did_you_mean
from kudo.model.tasks import (
    ApplyTask,
    DummySpec,
    KudoOperatorSpec,
    PipeFile,
    PipeSpec,
    ResourceSpec,
    Retry,
    ToggleSpec,
)

_OWNERS: dict[str, type[Model]] = {
    "operator.yaml itself": OperatorFile,
    "params.yaml itself": ParamsFile,
    "a plan": Plan,
    "a phase": Phase,
    "a step": Step,
    "a task": ApplyTask,
    "the field retry": Retry,
    "the spec of an Apply or Delete task": ResourceSpec,
    "the spec of a Toggle task": ToggleSpec,
    "the spec of a Pipe task": PipeSpec,
    "a file of a Pipe task": PipeFile,
    "the spec of a KudoOperator task": KudoOperatorSpec,
    "the spec of a Dummy task": DummySpec,
    "a parameter": ParameterDefinition,
    "a group of parameters": ParameterGroup,
}


def _fields(model: type[Model]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def unknown_field_hint(name: str) -> str:
    """Return where a field belongs, or which field may be meant; empty if nothing is known of it."""
    owners = [owner for owner, model in _OWNERS.items() if name in _fields(model)]
    if owners:
        return f"; it is a field of {' or of '.join(owners[:3])}"
    return did_you_mean(name, {field for model in _OWNERS.values() for field in _fields(model)})
