"""Labels, annotations, namespace and owner, set as by KUDO."""

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
    item = enhance(Object(manifest), REQUEST, namespaced)
    return item.manifest


def manifest_of(api_version: str, kind: str, **fields: object) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, **fields}


def test_namespaced_object_gets_namespace_labels_annotations_and_owner() -> None:
    assert enhanced(manifest_of("v1", "ConfigMap", data={"a": "1"})) == {
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


def test_cluster_scoped_object_gets_neither_namespace_nor_owner() -> None:
    metadata = enhanced(manifest_of("v1", "PersistentVolume"), namespaced=False)["metadata"]
    home = {"kudo.dev/instance-namespace": REQUEST.metadata.instance_namespace}
    assert metadata == {"name": "a", "labels": LABELS, "annotations": ANNOTATIONS | home}


def test_metadata_of_the_template_is_kept_unless_kudo_sets_it() -> None:
    item = manifest_of("v1", "ConfigMap")
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
def test_pod_template_gets_only_metadata_that_stays_the_same(api_version: str, kind: str) -> None:
    item = manifest_of(api_version, kind, spec={"template": {"metadata": {"labels": {"app": "a"}}, "spec": {}}})
    assert enhanced(item)["spec"]["template"] == {
        "metadata": {"labels": {"app": "a", **LABELS}, "annotations": {"kudo.dev/operator-version": "1.0.0"}},
        "spec": {},
    }


def test_pod_template_of_a_cron_job_is_enhanced() -> None:
    item = manifest_of("batch/v1", "CronJob", spec={"jobTemplate": {"spec": {"template": {"spec": {}}}}})
    assert enhanced(item)["spec"] == {"jobTemplate": {"spec": {"template": {"metadata": POD_METADATA, "spec": {}}}}}


def test_volume_claim_templates_get_only_labels() -> None:
    claims = [{"metadata": {"name": "data"}}, {"metadata": {"name": "logs", "labels": {"app": "a"}}}]
    item = manifest_of("apps/v1", "StatefulSet", spec={"template": {"spec": {}}, "volumeClaimTemplates": claims})
    assert enhanced(item)["spec"]["volumeClaimTemplates"] == [
        {"metadata": {"name": "data", "labels": LABELS}},
        {"metadata": {"name": "logs", "labels": {"app": "a", **LABELS}}},
    ]


@pytest.mark.parametrize(
    "item",
    [
        manifest_of("example.com/v1", "Deployment", spec={"template": {"a": 1}}),
        manifest_of("v1", "Pod", spec={"template": {"a": 1}}),
        manifest_of("apps/v1", "Deployment"),
        manifest_of("apps/v1", "Deployment", spec={"template": None}),
        manifest_of("apps/v1", "Deployment", spec="none"),
    ],
)
def test_spec_without_pod_template_is_unchanged(item: Manifest) -> None:
    assert enhanced(item).get("spec") == item.get("spec")


def test_empty_metadata_is_filled() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": None}
    metadata = enhanced(item, namespaced=False)["metadata"]
    assert metadata["labels"] == LABELS
    assert metadata["annotations"].items() >= ANNOTATIONS.items()
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": None, "annotations": None}}
    assert enhanced(item)["metadata"]["labels"] == LABELS


def test_original_manifest_is_not_modified() -> None:
    item = manifest_of(
        "apps/v1", "StatefulSet", spec={"template": {"spec": {}}, "volumeClaimTemplates": [{"metadata": {}}]}
    )
    before = copy.deepcopy(item)
    enhanced(item)
    assert item == before


def test_owners_that_are_not_controllers_are_kept() -> None:
    item = manifest_of("v1", "ConfigMap")
    item["metadata"]["ownerReferences"] = [{"kind": "Pod", "name": "b", "uid": "9"}, {**OWNER, "controller": False}]
    assert enhanced(item)["metadata"]["ownerReferences"] == [{"kind": "Pod", "name": "b", "uid": "9"}, OWNER]


def test_instance_without_uid_is_not_set_as_owner() -> None:
    request = REQUEST.model_copy(update={"metadata": REQUEST.metadata.model_copy(update={"instance_uid": ""})})
    item = enhance(Object(manifest_of("v1", "ConfigMap")), request, namespaced=True)
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
def test_malformed_metadata_is_refused(change: Manifest, message: str) -> None:
    with pytest.raises(TaskEnhancementError) as error:
        enhanced({**manifest_of("apps/v1", "Deployment"), **change})
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


@settings(max_examples=80)
@given(st.sampled_from(KINDS), METADATA, SPEC, st.booleans())
def test_enhance_is_idempotent(kind: tuple[str, str], metadata: Manifest, spec: Manifest, namespaced: bool) -> None:
    once = enhanced({**manifest_of(*kind), "metadata": metadata, "spec": spec}, namespaced=namespaced)
    assert enhanced(once, namespaced=namespaced) == once
    assert once["metadata"]["labels"].items() >= LABELS.items()


def test_metadata_that_only_the_api_sets_is_removed() -> None:
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
    item = enhance(Object.of("v1", "ConfigMap", copied), REQUEST, namespaced=False)
    assert set(item.child("metadata").manifest) == {"name", "finalizers", "labels", "annotations"}


def test_string_data_of_a_secret_is_merged_into_data() -> None:
    fields = {"data": {"a": "MQ=="}, "stringData": {"a": "2", "b": "ü"}}
    item = enhance(Object.of("v1", "Secret", {"name": "a"}, **fields), REQUEST, namespaced=False)
    assert (item.has("stringData"), item.strings("data")) == (False, {"a": "Mg==", "b": "w7w="})
    # The API refuses values that are not text.
    wrong = Object.of("v1", "Secret", {"name": "a"}, stringData={"a": 1})
    assert enhance(wrong, REQUEST, namespaced=False).manifest["stringData"] == {"a": 1}


@pytest.mark.parametrize("name", ["kudo.dev/ready", "kudo.dev/failed"])
def test_invalid_health_annotation_is_refused(name: str) -> None:
    item = Object.of("v1", "ConfigMap", {"name": "one", "annotations": {name: "status.phase =="}})
    with pytest.raises(
        TaskEnhancementError, match=rf"ConfigMap streams/one: the annotation {name}: 'status.phase ==' is no"
    ):
        enhance(item, REQUEST, namespaced=True)
