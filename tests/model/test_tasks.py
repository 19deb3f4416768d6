"""The models of tasks, by kind."""

import pytest
from pydantic import ValidationError

from kudo.model.tasks import (
    TASK,
    ApplyTask,
    DeleteTask,
    DummyTask,
    KudoOperatorTask,
    PipeTask,
    ToggleTask,
)

PIPE = {"pod": "pod.yaml", "pipe": [{"file": "/tmp/a", "kind": "Secret", "key": "a"}]}


@pytest.mark.parametrize(
    ("kind", "spec", "model", "templates"),
    [
        ("Apply", {"resources": ["a.yaml", "b.yaml"]}, ApplyTask, ["a.yaml", "b.yaml"]),
        ("Delete", {"resources": ["a.yaml"]}, DeleteTask, ["a.yaml"]),
        ("Toggle", {"parameter": "A", "resources": ["a.yaml"]}, ToggleTask, ["a.yaml"]),
        ("Dummy", {"wantErr": True, "fatal": True, "done": False}, DummyTask, []),
        ("Pipe", PIPE, PipeTask, ["pod.yaml"]),
        ("KudoOperator", {"package": "zookeeper", "parameterFile": "p.yaml"}, KudoOperatorTask, ["p.yaml"]),
        ("KudoOperator", {"package": "zookeeper", "operatorVersion": 0.3}, KudoOperatorTask, []),
    ],
)
def test_kind_selects_the_task_model(kind: str, spec: object, model: type, templates: list[str]) -> None:
    task = TASK.validate_python({"name": "t", "kind": kind, "spec": spec})
    assert type(task) is model
    assert task.template_names() == templates
    assert TASK.validate_json(TASK.dump_json(task)) == task


def test_dummy_task_needs_no_spec() -> None:
    task = TASK.validate_python({"name": "t", "kind": "Dummy"})
    assert isinstance(task, DummyTask)
    assert (task.spec.want_err, task.spec.fatal, task.spec.done) == (False, False, False)


def test_task_json_has_the_field_names_of_kudo() -> None:
    task = TASK.validate_python({"name": "t", "kind": "Dummy", "spec": {"wantErr": True}})
    assert task.to_json() == {"kind": "Dummy", "name": "t", "spec": {"wantErr": True, "fatal": False, "done": False}}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"name": "t", "kind": "Aply", "spec": {}}, "'Aply' found using 'kind' does not match"),
        ({"name": "t", "spec": {}}, "Unable to extract tag using discriminator 'kind'"),
        ({"kind": "Dummy"}, "Dummy.name\n  Field required"),
        ({"name": "t", "kind": "Apply"}, "Apply.spec\n  Field required"),
        ({"name": "t", "kind": "Apply", "spec": {"resources": []}}, "should have at least 1 item"),
        ({"name": "t", "kind": "Apply", "spec": {"resources": [""]}}, "should have at least 1 character"),
        ({"name": "t", "kind": "Toggle", "spec": {"resources": ["a"]}}, "Toggle.spec.parameter\n  Field required"),
        ({"name": "t", "kind": "Pipe", "spec": {**PIPE, "pipe": []}}, "should have at least 1 item"),
        ({"name": "t", "kind": "Pipe", "spec": {"pipe": PIPE["pipe"]}}, "Pipe.spec.pod\n  Field required"),
        ({"name": "t", "kind": "KudoOperator", "spec": {}}, "KudoOperator.spec.package\n  Field required"),
    ],
)
def test_malformed_task_is_refused(task: object, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        TASK.validate_python(task)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("pipe", "message"),
    [
        ({"kind": "Secret", "key": "a"}, "must have exactly one of file and envFile"),
        ({"file": "a", "envFile": "b", "kind": "Secret", "key": "a"}, "must have exactly one of file and envFile"),
        ({"file": "a", "kind": "Pod", "key": "a"}, "Input should be 'Secret' or 'ConfigMap'"),
        ({"file": "a", "kind": "Secret", "key": "a.b"}, "String should match pattern"),
        ({"file": "a", "kind": "Secret", "key": ""}, "String should match pattern"),
    ],
)
def test_malformed_pipe_is_refused(pipe: object, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        TASK.validate_python({"name": "t", "kind": "Pipe", "spec": {"pod": "pod.yaml", "pipe": [pipe]}})
    assert message in str(error.value)


def test_pipe_accepts_a_file_of_environment_variables() -> None:
    pipe = [{"envFile": "/tmp/env", "kind": "ConfigMap", "key": "My_env-1"}]
    task = TASK.validate_python({"name": "t", "kind": "Pipe", "spec": {"pod": "pod.yaml", "pipe": pipe}})
    assert isinstance(task, PipeTask)
    assert task.spec.pipe[0].env_file == "/tmp/env"
