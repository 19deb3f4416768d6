"""Objects in API versions that Kubernetes has removed, and in those that took their place."""

import copy

import pytest
from support.removed_api_versions import CASES, old_object, webhook

from kudo.manifests.api_versions import NotRewritable, removal_of, rewritten
from kudo.model.base import Manifest
from kudo.model.objects import Object


@pytest.mark.parametrize(("item", "expected"), CASES.values(), ids=CASES.keys())
def test_object_is_rewritten(item: Object, expected: Manifest) -> None:
    before = copy.deepcopy(item.manifest)
    result = rewritten(item)
    assert {key: result.manifest[key] for key in expected} == expected
    assert removal_of(result) is None
    assert rewritten(result) == result
    assert item.manifest == before


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (old_object("policy/v1beta1", "PodSecurityPolicy"), "nothing took its place"),
        (old_object("extensions/v1beta1", "PodSecurityPolicy"), "nothing took its place"),
        (
            old_object("policy/v1beta1", "PodDisruptionBudget", spec={"selector": {}}),
            "its empty selector selects no pods",
        ),
        (webhook(), "must declare sideEffects"),
        (old_object("certificates.k8s.io/v1beta1", "CertificateSigningRequest", spec={}), "signerName"),
    ],
)
def test_object_without_equivalent_is_not_rewritten(item: Object, reason: str) -> None:
    with pytest.raises(NotRewritable, match=reason):
        rewritten(item)


def test_removal_counts_from_its_version_of_kubernetes() -> None:
    item = CASES["PodDisruptionBudget"][0]
    assert removal_of(item, "1.24") is None
    assert rewritten(item, "1.24").api_version == "policy/v1beta1"
    assert removal_of(item, "v1.25.3") is not None


def test_object_of_another_group_is_kept() -> None:
    item = old_object("example.com/v1", "Widget", spec={"metadata": {"clusterName": "a"}})
    assert rewritten(item) is item
