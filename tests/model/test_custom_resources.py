"""KUDO's custom resources as JSON."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from kudo.model.resources import Instance, InstanceSpec, OperatorSpec, OperatorVersion, Reference
from kudo.model.status import ExecutionStatus

INSTANCE = {
    "apiVersion": "kudo.dev/v1beta1",
    "kind": "Instance",
    "metadata": {
        "name": "kafka-instance",
        "namespace": "streams",
        "uid": "2c2a",
        "resourceVersion": "4711",
        "finalizers": ["kudo.dev.instance.cleanup"],
    },
    "spec": {
        "operatorVersion": {"name": "kafka-2.5.1-1.3.2"},
        "parameters": {"BROKER_COUNT": "3"},
        "planExecution": {"planName": "deploy", "uid": "e1", "status": "ERROR"},
    },
    "status": {
        "conditions": [{"type": "Ready", "status": "Unknown", "reason": "PlanInProgress"}],
        "planStatus": {
            "deploy": {
                "name": "deploy",
                "status": "IN_PROGRESS",
                "lastUpdatedTimestamp": "2021-02-03T04:05:06Z",
                "uid": "e1",
                "phases": [
                    {
                        "name": "deploy-kafka",
                        "status": "IN_PROGRESS",
                        "steps": [
                            {"name": "configuration", "status": "COMPLETE"},
                            {"name": "deploy", "status": "ERROR", "message": "A transient error when executing task"},
                        ],
                    }
                ],
            },
            "backup": {"name": "backup", "status": "NEVER_RUN", "uid": "", "lastUpdatedTimestamp": None, "phases": []},
        },
    },
}


def test_instance_written_by_kudo_is_parsed() -> None:
    instance = Instance.model_validate(INSTANCE)
    assert (instance.namespace, instance.name, instance.metadata.uid) == ("streams", "kafka-instance", "2c2a")
    assert instance.metadata.resource_version == "4711"
    assert instance.spec.operator_version.name == "kafka-2.5.1-1.3.2"
    assert instance.spec.parameters == {"BROKER_COUNT": "3"}
    deploy = instance.status.plan_status["deploy"]
    assert deploy.last_updated_timestamp == datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert deploy.phases[0].steps[1].message == "A transient error when executing task"
    assert instance.status.plan_status["backup"].status is ExecutionStatus.NEVER_RUN


def test_plan_status_round_trips_through_json() -> None:
    instance = Instance.model_validate(INSTANCE)
    assert instance.status.plan_status["deploy"].to_json() == INSTANCE["status"]["planStatus"]["deploy"]


def test_instance_without_status_has_no_plan_status() -> None:
    instance = Instance.model_validate({"metadata": {"name": "a"}, "spec": {}})
    assert instance.status.plan_status == {}
    assert instance.spec.to_json() == {"operatorVersion": {}}


def test_specs_have_the_field_names_of_kudo() -> None:
    spec = InstanceSpec(operator_version=Reference(name="kafka-1.0.0"), parameters={"A": "1"})
    assert spec.to_json() == {"operatorVersion": {"name": "kafka-1.0.0"}, "parameters": {"A": "1"}}
    assert OperatorSpec(kudo_version="0.19.0", namespace_manifest="ns.yaml").to_json() == {
        "kudoVersion": "0.19.0",
        "namespaceManifest": "ns.yaml",
    }


def test_operator_version_keeps_malformed_tasks_unchanged() -> None:
    version = OperatorVersion.model_validate(
        {
            "metadata": {"name": "kafka-1.0.0"},
            "spec": {
                "operator": {"kind": "Operator", "name": "kafka"},
                "version": "1.0.0",
                "tasks": [{"name": "a", "kind": "Nonsense", "spec": {"wantErr": True}}],
                "parameters": [{"name": "A", "default": "1", "displayName": "The A", "enum": ["1", "2"]}],
                "plans": {"deploy": {"phases": "none"}},
                "upgradableFrom": [{"name": "kafka-0.9.0"}],
            },
        }
    )
    assert version.spec.to_json() == {
        "operator": {"name": "kafka"},
        "version": "1.0.0",
        "tasks": [{"name": "a", "kind": "Nonsense", "spec": {"wantErr": True}}],
        "parameters": [
            {
                "name": "A",
                "displayName": "The A",
                "required": True,
                "default": "1",
                "type": "string",
                "immutable": False,
                "enum": ["1", "2"],
            }
        ],
        "plans": {"deploy": {"phases": "none"}},
        "upgradableFrom": [{"name": "kafka-0.9.0"}],
    }


def test_resource_without_name_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"metadata\.name"):
        Instance.model_validate({"metadata": {"name": ""}, "spec": {}})
