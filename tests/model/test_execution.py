"""Plan requests, active plans and progress messages as JSON."""

import pytest
from pydantic import TypeAdapter, ValidationError

from kudo.model.base import JsonObject
from kudo.model.execution import ActivePlan, Metadata, PlanRequest, ProgressMessage, workflow_id
from kudo.model.plans import Plan
from kudo.model.status import PlanStatus
from kudo.model.tasks import TASK

METADATA = {
    "operatorName": "kafka",
    "operatorVersionName": "kafka-1.0.0",
    "instanceName": "events",
    "instanceNamespace": "streams",
    "planName": "deploy",
    "apiVersion": "kudo.dev/v1beta1",
}


def test_plan_request_is_parsed_from_json() -> None:
    request = PlanRequest.model_validate_json(
        '{"namespace": "streams", "instance": "events", "plan": "deploy", "parameters": {"A": "1"}, "resume": true}'
    )
    assert request == PlanRequest(
        namespace="streams", instance="events", plan="deploy", parameters={"A": "1"}, resume=True
    )
    assert request.workflow_id == workflow_id("streams", "events") == "streams/events"


def test_plan_request_as_json_omits_unset_fields() -> None:
    request = PlanRequest(namespace="streams", instance="events", plan="deploy")
    assert request.to_json() == {"namespace": "streams", "instance": "events", "plan": "deploy"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": {"A": "1"}}, "params\n  Extra inputs are not permitted"),
        ({"plan": ""}, "plan\n  String should have at least 1 character"),
        ({"instance": None}, "instance\n  Field required"),
        ({"parameters": {"A": [1]}}, "parameters.A\n  Input should be a valid string"),
        ({"resume": "perhaps"}, "resume\n  Input should be a valid boolean"),
    ],
)
def test_malformed_plan_request_is_refused(change: dict[str, object], message: str) -> None:
    request = {"namespace": "streams", "instance": "events", "plan": "deploy"}
    with pytest.raises(ValidationError) as error:
        PlanRequest.model_validate({**request, **change})
    assert message in str(error.value)


def test_plan_request_without_plan_is_refused() -> None:
    with pytest.raises(ValidationError, match="plan\n  Field required"):
        PlanRequest.model_validate({"namespace": "streams", "instance": "events"})


def test_numeric_parameters_become_strings() -> None:
    request = {"namespace": "streams", "instance": "events", "plan": "deploy", "parameters": {"A": 3, "B": 0.5}}
    assert PlanRequest.model_validate(request).parameters == {"A": "3", "B": "0.5"}


def test_active_plan_round_trips_through_json() -> None:
    plan = Plan.model_validate({"phases": [{"name": "main", "steps": [{"name": "a", "tasks": ["t"]}]}]})
    active = ActivePlan(
        name="deploy",
        status=PlanStatus.pending("deploy", plan),
        spec=plan,
        tasks=[
            TASK.validate_python({"name": "t", "kind": "Apply", "spec": {"resources": ["a.yaml"]}}),
            TASK.validate_python({"name": "u", "kind": "Dummy", "spec": {"done": True}}),
        ],
        templates={"a.yaml": "a: 1"},
        params={"A": "1", "LIST": [1, {"b": None}]},
        metadata=Metadata.model_validate(METADATA),
    )
    assert ActivePlan.model_validate_json(active.model_dump_json()) == active
    assert active.to_json()["metadata"] == METADATA


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "step", "phase": "main", "step": "a", "status": "COMPLETE", "at": "2026-01-01T00:00:00Z"},
        {"kind": "task", "phase": "main", "step": "a", "task": "t", "error": "away"},
        {"kind": "task", "phase": "main", "step": "a", "task": "t"},
        {"kind": "child", "phase": "main", "step": "a", "task": "t", "child": {"instance": "i", "plan": "deploy"}},
        {"kind": "load", "error": "away"},
    ],
)
def test_progress_message_is_parsed_by_kind(message: JsonObject) -> None:
    parsed = TypeAdapter[ProgressMessage](ProgressMessage).validate_python(message)
    assert parsed.kind == message["kind"]
    assert parsed.to_json() == message
