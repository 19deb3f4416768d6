"""Labels, annotations, namespace and owner, as KUDO gives them."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kudo.errors import TaskEnhancementError
from kudo.manifests.enhance import enhance
from kudo.model.base import Manifest
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object

REQUEST = TaskRequest.model_validate(
    {
        "phase": "main",
        "step": "everything",
        "task": {"name": "app", "kind": "Apply", "spec": {"resources": ["a.yaml"]}},
        "templates": {},
        "params": {},
        "metadata": {
            "operatorName": "kafka",
            "operatorVersionName": "kafka-1.0.0",
            "operatorVersion": "1.0.0",
            "instanceName": "events",
            "instanceNamespace": "streams",
            "instanceUid": "2c2a",
            "planName": "deploy",
            "planUid": "e1",
            "apiVersion": "kudo.dev/v1",
        },
    }
)
LABELS = {"heritage": "kudo", "kudo.dev/operator": "kafka", "kudo.dev/instance": "events"}
ANNOTATIONS = {
    "kudo.dev/plan": "deploy",
    "kudo.dev/phase": "main",
    "kudo.dev/step": "everything",
    "kudo.dev/last-plan-execution-uid": "e1",
}
POD_METADATA = {"labels": LABELS, "annotations": {"kudo.dev/operator-version": "1.0.0"}}
OWNER = {
    "apiVersion": "kudo.dev/v1beta1",
    "kind": "Instance",
    "name": "events",
    "uid": "2c2a",
    "controller": True,
    "blockOwnerDeletion": True,
}


def enhanced(manifest: Manifest, *, namespaced: bool = True) -> Manifest:
    (item,) = enhance([Object(manifest)], REQUEST, lambda _: namespaced)
    return item.manifest


def made(api_version: str, kind: str, **fields: object) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, **fields}


def test_a_namespaced_object() -> None:
    assert enhanced(made("v1", "ConfigMap", data={"a": "1"})) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "namespace": "streams",
            "labels": LABELS,
            "annotations": ANNOTATIONS,
            "ownerReferences": [OWNER],
        },
        "data": {"a": "1"},
    }


def test_a_cluster_scoped_object_has_neither_namespace_nor_owner() -> None:
    metadata = enhanced(made("v1", "PersistentVolume"), namespaced=False)["metadata"]
    assert metadata == {"name": "a", "labels": LABELS, "annotations": ANNOTATIONS}


def test_what_the_author_wrote_stays_beside_it() -> None:
    item = made("v1", "ConfigMap")
    item["metadata"].update(
        labels={"app": "a", "heritage": "other"}, annotations={"note": "b"}, namespace="elsewhere", finalizers=["c"]
    )
    metadata = enhanced(item)["metadata"]
    assert metadata["labels"] == {"app": "a", **LABELS}
    assert metadata["annotations"] == {"note": "b", **ANNOTATIONS}
    assert (metadata["namespace"], metadata["finalizers"]) == ("streams", ["c"])


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1beta1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("v1", "ReplicationController"),
        ("batch/v1", "Job"),
    ],
)
def test_pod_templates_get_only_what_stays_the_same(api_version: str, kind: str) -> None:
    item = made(api_version, kind, spec={"template": {"metadata": {"labels": {"app": "a"}}, "spec": {}}})
    assert enhanced(item)["spec"]["template"] == {
        "metadata": {"labels": {"app": "a", **LABELS}, "annotations": {"kudo.dev/operator-version": "1.0.0"}},
        "spec": {},
    }


def test_pod_template_of_a_cron_job() -> None:
    item = made("batch/v1", "CronJob", spec={"jobTemplate": {"spec": {"template": {"spec": {}}}}})
    assert enhanced(item)["spec"] == {"jobTemplate": {"spec": {"template": {"metadata": POD_METADATA, "spec": {}}}}}


def test_claims_of_a_stateful_set_get_labels_alone() -> None:
    claims = [{"metadata": {"name": "data"}}, {"metadata": {"name": "logs", "labels": {"app": "a"}}}]
    item = made("apps/v1", "StatefulSet", spec={"template": {"spec": {}}, "volumeClaimTemplates": claims})
    assert enhanced(item)["spec"]["volumeClaimTemplates"] == [
        {"metadata": {"name": "data", "labels": LABELS}},
        {"metadata": {"name": "logs", "labels": {"app": "a", **LABELS}}},
    ]


@pytest.mark.parametrize(
    "item",
    [
        made("example.com/v1", "Deployment", spec={"template": {"a": 1}}),
        made("v1", "Pod", spec={"template": {"a": 1}}),
        made("apps/v1", "Deployment"),
        made("apps/v1", "Deployment", spec={"template": None}),
        made("apps/v1", "Deployment", spec="none"),
    ],
)
def test_what_has_no_pod_template_keeps_its_spec(item: Manifest) -> None:
    assert enhanced(item).get("spec") == item.get("spec")


def test_empty_metadata_is_filled() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": None}
    assert enhanced(item, namespaced=False)["metadata"] == {"labels": LABELS, "annotations": ANNOTATIONS}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": None, "annotations": None}}
    assert enhanced(item)["metadata"]["labels"] == LABELS


def test_the_original_stays_as_it_was() -> None:
    item = made("apps/v1", "StatefulSet", spec={"template": {"spec": {}}, "volumeClaimTemplates": [{"metadata": {}}]})
    before = copy.deepcopy(item)
    enhanced(item)
    assert item == before


def test_other_owners_that_do_not_control_are_kept() -> None:
    item = made("v1", "ConfigMap")
    item["metadata"]["ownerReferences"] = [{"kind": "Pod", "name": "b", "uid": "9"}, {**OWNER, "controller": False}]
    assert enhanced(item)["metadata"]["ownerReferences"] == [{"kind": "Pod", "name": "b", "uid": "9"}, OWNER]


def test_an_instance_without_uid_owns_nothing() -> None:
    request = REQUEST.model_copy(update={"metadata": REQUEST.metadata.model_copy(update={"instance_uid": ""})})
    (item,) = enhance([Object(made("v1", "ConfigMap"))], request, lambda _: True)
    assert not item.has("metadata", "ownerReferences")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": "a"}, "Deployment : metadata must be a map"),
        ({"metadata": {"name": "a", "labels": ["b"]}}, "Deployment a: metadata.labels must be a map"),
        ({"metadata": {"name": "a", "annotations": "b"}}, "Deployment a: metadata.annotations must be a map"),
        ({"spec": {"template": {"metadata": []}}}, "Deployment a: metadata must be a map"),
        ({"spec": {"template": {"metadata": {"labels": 5}}}}, "Deployment a: metadata.labels must be a map"),
        (
            {"metadata": {"name": "a", "ownerReferences": [{"kind": "Pod", "uid": "9", "controller": True}]}},
            "Deployment a: its template sets another controller as owner",
        ),
    ],
)
def test_what_cannot_be_enhanced(change: Manifest, message: str) -> None:
    with pytest.raises(TaskEnhancementError) as error:
        enhanced({**made("apps/v1", "Deployment"), **change})
    assert str(error.value) == message


KINDS = [("apps/v1", "StatefulSet"), ("batch/v1", "CronJob"), ("v1", "ConfigMap"), ("apps/v1", "Deployment")]
STRINGS = st.dictionaries(st.sampled_from(["app", "heritage", "kudo.dev/plan", "x"]), st.text(max_size=3), max_size=3)
METADATA = st.fixed_dictionaries({"name": st.just("a")}, optional={"labels": STRINGS, "annotations": STRINGS})
TEMPLATE = st.fixed_dictionaries({"spec": st.just({})}, optional={"metadata": METADATA | st.none()})
SPEC = st.fixed_dictionaries(
    {},
    optional={
        "template": TEMPLATE,
        "jobTemplate": st.builds(lambda template: {"spec": {"template": template}}, TEMPLATE),
        "volumeClaimTemplates": st.lists(TEMPLATE, max_size=2),
    },
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(KINDS), METADATA, SPEC, st.booleans())
def test_enhancing_twice_is_enhancing_once(
    kind: tuple[str, str], metadata: Manifest, spec: Manifest, namespaced: bool
) -> None:
    once = enhanced({**made(*kind), "metadata": metadata, "spec": spec}, namespaced=namespaced)
    assert enhanced(once, namespaced=namespaced) == once
    assert once["metadata"]["labels"].items() >= LABELS.items()


def test_what_only_the_api_sets_is_left_to_it() -> None:
    copied = {
        "name": "a",
        "uid": "12",
        "resourceVersion": "7",
        "generation": 3,
        "creationTimestamp": None,
        "managedFields": [],
        "selfLink": "/x",
        "finalizers": ["example.com/hold"],
    }
    (item,) = enhance([Object.of("v1", "ConfigMap", copied)], REQUEST, lambda _: False)
    assert set(item.child("metadata").manifest) == {"name", "finalizers", "labels", "annotations"}


def test_a_secret_is_written_as_it_is_read() -> None:
    fields = {"data": {"a": "MQ=="}, "stringData": {"a": "2", "b": "ü"}}
    (item,) = enhance([Object.of("v1", "Secret", {"name": "a"}, **fields)], REQUEST, lambda _: False)
    assert (item.has("stringData"), item.strings("data")) == (False, {"a": "Mg==", "b": "w7w="})
    # What is no text is left for the API to refuse.
    wrong = Object.of("v1", "Secret", {"name": "a"}, stringData={"a": 1})
    assert enhance([wrong], REQUEST, lambda _: False)[0].manifest["stringData"] == {"a": 1}


@pytest.mark.parametrize("name", ["kudo.dev/ready", "kudo.dev/failed"])
def test_a_rule_of_health_that_is_no_expression(name: str) -> None:
    item = Object.of("v1", "ConfigMap", {"name": "one", "annotations": {name: "status.phase =="}})
    with pytest.raises(
        TaskEnhancementError, match=rf"ConfigMap streams/one: the annotation {name}: 'status.phase ==' is no"
    ):
        enhance([item], REQUEST, lambda _: True)
