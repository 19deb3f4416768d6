"""The table of task kinds is complete and agrees with the models, the activities and the previews."""

from dataclasses import fields
from typing import get_args

import pytest
from temporalio import activity

from kudo.activities import ActivityContext, task_activities
from kudo.model.task_kinds import TASK_KINDS, Preview, template_names
from kudo.model.tasks import TASK, Task
from kudo.operations.preview import _PREVIEWS

MODELS = {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Task)[0])}


def test_every_kind_has_a_model_and_a_row() -> None:
    assert MODELS.keys() == TASK_KINDS.keys()


@pytest.mark.parametrize("kind", TASK_KINDS)
def test_template_fields_are_fields_of_the_spec(kind: str) -> None:
    spec = MODELS[kind].model_fields["spec"].annotation
    assert set(TASK_KINDS[kind].template_fields) <= {field.alias for field in spec.model_fields.values()}


def test_every_kind_has_an_activity() -> None:
    context = ActivityContext.__new__(ActivityContext)
    for field in fields(ActivityContext):
        object.__setattr__(context, field.name, None)
    known = {activity._Definition.must_from_callable(function).name for function in task_activities(context)}
    # The activity `wait` is for the long waits of tasks of several kinds.
    assert {kind.activity for kind in TASK_KINDS.values()} == known - {"wait"}


def test_every_preview_is_implemented() -> None:
    assert set(_PREVIEWS) == set(get_args(Preview))


@pytest.mark.parametrize(
    ("kind", "spec", "names"),
    [
        ("Apply", {"resources": ["b.yaml", "a.yaml"]}, ["b.yaml", "a.yaml"]),
        ("Toggle", {"resources": ["a.yaml"], "parameter": "ON"}, ["a.yaml"]),
        ("Pipe", {"pod": "pod.yaml", "pipe": [{"file": "/f", "kind": "Secret", "key": "k"}]}, ["pod.yaml"]),
        ("KudoOperator", {"package": "p", "parameterFile": "child.yaml"}, ["child.yaml"]),
        ("KudoOperator", {"package": "p"}, []),
        ("Dummy", {}, []),
    ],
)
def test_template_names_of_a_task_are_found(kind: str, spec: dict[str, object], names: list[str]) -> None:
    assert TASK.validate_python({"name": "t", "kind": kind, "spec": spec}).template_names() == names
    assert template_names(kind, spec) == names


@pytest.mark.parametrize(
    ("kind", "spec"), [("Unknown", {"resources": ["a"]}), ("Apply", None), ("Apply", {"resources": 3})]
)
def test_malformed_tasks_name_no_templates(kind: str, spec: object) -> None:
    assert template_names(kind, spec) == []
