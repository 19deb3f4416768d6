"""Rules of health that no cluster of the tests shows."""

from typing import Any

import pytest

from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.rollout.apply_order import batches
from kudo.rollout.health import State, final, health


def item(api_version: str, kind: str, spec: Manifest | None = None, **status: Any) -> Object:
    metadata = {"name": "a", "namespace": "b", "generation": 2}
    return Object.of(api_version, kind, metadata, spec=spec or {}, status=status)


def condition(kind: str, status: str = "True", **fields: Any) -> Manifest:
    return {"type": kind, "status": status, **fields}


ON_DELETE = {"replicas": 2, "updateStrategy": {"type": "OnDelete"}}
COUNTS = {"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 0}
NOT_READY = COUNTS | {"readyReplicas": 0}
SCHEDULED = {
    "observedGeneration": 2,
    "desiredNumberScheduled": 1,
    "currentNumberScheduled": 1,
    "numberAvailable": 1,
    "numberReady": 1,
}


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        (item("apps/v1", "StatefulSet", ON_DELETE, **COUNTS), State.HEALTHY, ""),
        (
            item("apps/v1", "StatefulSet", ON_DELETE, **COUNTS | {"readyReplicas": 0}),
            State.WAITING,
            "0 of 2 replicas ready",
        ),
        (item("apps/v1", "StatefulSet", {"replicas": 2}, **COUNTS), State.WAITING, "0 of 2 replicas updated"),
        (item("apps/v1", "DaemonSet", ON_DELETE, **SCHEDULED), State.HEALTHY, ""),
        (item("apps/v1", "DaemonSet", ON_DELETE, **SCHEDULED | {"numberReady": 0}), State.WAITING, "0 of 1 pods ready"),
        (item("apps/v1", "DaemonSet", {}, **SCHEDULED), State.WAITING, "0 of 1 pods updated"),
        (item("apps/v1", "Deployment", {"paused": True}, observedGeneration=2), State.HEALTHY, ""),
        (
            item(
                "apps/v1",
                "Deployment",
                observedGeneration=2,
                conditions=[condition("ReplicaFailure", reason="FailedCreate", message="no account")],
            ),
            State.WAITING,
            "0 of 1 replicas updated; FailedCreate: no account",
        ),
        (
            item(
                "apps/v1",
                "Deployment",
                observedGeneration=2,
                conditions=[
                    condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="timed out"),
                    condition("ReplicaFailure", reason="FailedCreate", message="no account"),
                ],
            ),
            State.FAILED,
            "ProgressDeadlineExceeded: timed out; FailedCreate: no account",
        ),
        (item("v1", "ReplicationController", {"replicas": 1}), State.WAITING, "0 of 1 replicas labelled"),
        (
            item("v1", "ReplicationController", fullyLabeledReplicas=1, availableReplicas=1, readyReplicas=1),
            State.HEALTHY,
            "",
        ),
        (
            item(
                "apiregistration.k8s.io/v1",
                "APIService",
                conditions=[condition("Available", "False", reason="Gone")],
            ),
            State.WAITING,
            "Gone",
        ),
        (item("apiregistration.k8s.io/v1", "APIService", conditions=[condition("Available")]), State.HEALTHY, ""),
        (
            item("x.example.com/v1", "Cert", conditions=[condition("Ready", observedGeneration=1)]),
            State.WAITING,
            "its condition Ready is about an older generation",
        ),
        (item("x.example.com/v1", "Cert", conditions=[condition("Ready", observedGeneration=2)]), State.HEALTHY, ""),
        (item("x.example.com/v1", "Cert", conditions=[condition("Ready")]), State.HEALTHY, ""),
        (
            item("x.example.com/v1", "Cert", conditions=[condition("Stalled", observedGeneration=1, reason="Old")]),
            State.HEALTHY,
            "",
        ),
        (
            item("x.example.com/v1", "Cert", conditions=[condition("Stalled", observedGeneration=2, reason="New")]),
            State.FAILED,
            "New",
        ),
    ],
)
def test_health_of_object(found: Object, state: State, reason: str) -> None:
    verdict = health(found)
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (item("batch/v1", "Job", conditions=[condition("Complete")]), State.HEALTHY),
        (item("batch/v1", "Job", conditions=[condition("Failed", reason="BackoffLimitExceeded")]), State.FAILED),
        (item("batch/v1", "Job", active=1), None),
        (item("v1", "Pod", phase="Succeeded"), State.HEALTHY),
        (item("v1", "Pod", {"restartPolicy": "Never"}, phase="Failed"), State.FAILED),
        (item("v1", "Pod", phase="Running", conditions=[condition("Ready")]), None),
        (item("v1", "ConfigMap"), None),
    ],
)
def test_what_has_ended_stays_as_it_ended_while_it_is_deleted(found: Object, state: State | None) -> None:
    verdict = final(found)
    assert (verdict.state if verdict else None) == state
    found.manifest["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert health(found).state is (state or State.WAITING)


def test_what_others_need_is_applied_first() -> None:
    kinds = ["Pod", "RoleBinding", "Deployment", "ServiceAccount", "Secret", "Role", "Namespace", "ConfigMap", "Job"]
    first, rest = batches(item("v1", kind) for kind in kinds)
    assert [found.kind for found in first] == [
        "Namespace",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
        "Role",
        "RoleBinding",
    ]
    assert [found.kind for found in rest] == ["Pod", "Deployment", "Job"]
