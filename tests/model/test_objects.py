"""Typed access to Kubernetes objects."""

import pytest

from kudo.model.objects import Object, ObjectRef

POD = Object(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-0",
            "namespace": "shop",
            "uid": "1",
            "resourceVersion": "7",
            "labels": {"app": "web", "odd": 5},
            "annotations": {"note": "x"},
        },
        "spec": {"priority": 3, "hostNetwork": True, "containers": [{"name": "main"}, "odd", {"name": "side"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "False"}]},
    }
)


def test_metadata_is_read_into_properties() -> None:
    assert (POD.api_version, POD.kind, POD.namespace, POD.name) == ("v1", "Pod", "shop", "web-0")
    assert (POD.uid, POD.resource_version, POD.terminating) == ("1", "7", False)
    assert POD.labels == {"app": "web"}
    assert POD.annotations == {"note": "x"}
    assert POD.ref == ObjectRef("v1", "Pod", "shop", "web-0")


def test_values_are_read_by_path() -> None:
    assert POD.integer("spec", "priority") == 3
    assert POD.flag("spec", "hostNetwork")
    assert POD.has("metadata", "labels", "odd")
    assert POD.child("metadata", "annotations").text("note") == "x"
    assert [container.text("name") for container in POD.children("spec", "containers")] == ["main", "side"]


def test_missing_or_mistyped_value_reads_as_default() -> None:
    assert POD.text("spec", "priority") == ""
    assert POD.text("spec", "none", default="x") == "x"
    assert POD.integer("spec", "hostNetwork") == 0
    assert POD.integer("kind", "of", "nothing", default=1) == 1
    assert not POD.flag("spec", "priority")
    assert not POD.has("spec", "containers", "0")
    assert POD.child("spec", "containers").manifest == {}
    assert POD.children("spec") == []
    assert POD.strings("kind") == {}


def test_empty_object_reads_as_defaults() -> None:
    empty = Object({})
    assert empty.ref == ObjectRef("", "", "", "")
    assert (empty.labels, empty.annotations, empty.terminating) == ({}, {}, False)
    assert empty.condition("Ready") == Object({})


def test_conditions_are_found_by_type() -> None:
    assert POD.condition("Initialized").text("status") == "False"
    assert POD.condition("PodScheduled").manifest == {}


@pytest.mark.parametrize(
    ("api_version", "group"),
    [("v1", ""), ("apps/v1", "apps"), ("kudo.dev/v1beta1", "kudo.dev"), ("", "")],
)
def test_group_is_the_first_part_of_the_api_version(api_version: str, group: str) -> None:
    assert Object({"apiVersion": api_version}).group == group


def test_reference_prints_kind_namespace_and_name() -> None:
    assert str(ObjectRef("v1", "Pod", "shop", "web-0")) == "Pod shop/web-0"
    assert str(ObjectRef("v1", "Namespace", "", "shop")) == "Namespace shop"


def test_object_with_deletion_timestamp_is_terminating() -> None:
    assert Object({"metadata": {"deletionTimestamp": "2021-01-01T00:00:00Z"}}).terminating


def test_new_object_has_given_metadata_and_fields() -> None:
    created = Object.of("v1", "ConfigMap", {"name": "a"}, data={"key": "value"})
    assert created.manifest == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"key": "value"},
    }
