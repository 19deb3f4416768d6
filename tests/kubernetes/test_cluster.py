"""Reading, applying, patching and deleting objects."""

import pytest
from support.objects import NAMESPACE, config_map, definition, deployment, namespace, secret, widget
from support.waiting import until

from kudo.errors import (
    AccessDenied,
    ClusterUnavailable,
    ConflictError,
    KindNotFound,
    KindServedElsewhere,
    NamespaceNotFound,
    ResourceValidationError,
    Unauthenticated,
)
from kudo.kubernetes import Cluster
from kudo.model.objects import Object
from kudo.rollout import wait_until_gone, wait_until_healthy
from kudo.sandbox import Sandbox


def ignore_progress(_: str) -> None: ...


async def test_apply_creates_and_updates(cluster: Cluster) -> None:
    first = await cluster.apply(config_map(a="1", b="2"))
    second = await cluster.apply(config_map(a="1", c="3"))
    assert second.uid == first.uid
    assert second.strings("data") == {"a": "1", "c": "3"}


async def test_repeated_apply_changes_nothing(cluster: Cluster) -> None:
    first = await cluster.apply(deployment())
    await wait_until_healthy(cluster, [first], ignore_progress)
    second = await cluster.apply(deployment())
    assert second.integer("metadata", "generation") == first.integer("metadata", "generation")


async def test_apply_keeps_fields_of_other_managers(cluster: Cluster) -> None:
    applied = await cluster.apply(config_map(a="1"))
    await cluster.patch(applied.ref, {"metadata": {"labels": {"theirs": "yes"}}})
    again = await cluster.apply(config_map(a="2"))
    assert again.labels == {"theirs": "yes"}


async def test_missing_object_reads_as_none(cluster: Cluster) -> None:
    assert await cluster.get(config_map("nowhere").ref) is None
    assert await cluster.patch(config_map("nowhere").ref, {"data": {}}) is None
    await cluster.delete(config_map("nowhere").ref)


async def test_listed_items_have_api_version_and_kind(cluster: Cluster) -> None:
    await cluster.apply(config_map("labelled"))
    await cluster.patch(config_map("labelled").ref, {"metadata": {"labels": {"app": "x"}}})
    found = await cluster.list("v1", "ConfigMap", NAMESPACE, "app=x")
    assert [item.ref for item in found] == [config_map("labelled").ref]


async def test_unknown_kind_is_refused(cluster: Cluster) -> None:
    with pytest.raises(KindNotFound, match=r"does not serve Widget of example\.com/v1"):
        await cluster.apply(widget())


async def test_kind_in_a_removed_api_version_is_refused_with_the_served_one(cluster: Cluster) -> None:
    ingress = Object.of("extensions/v1beta1", "Ingress", {"name": "web", "namespace": NAMESPACE})
    moved = r"does not serve Ingress of extensions/v1beta1; it serves Ingress in networking\.k8s\.io/v1, so change"
    with pytest.raises(KindServedElsewhere, match=moved):
        await cluster.apply(ingress)


async def test_kind_of_an_unrelated_group_replaces_none(cluster: Cluster) -> None:
    """The definition of the group may still come, although another operator has a kind of the same name."""
    with pytest.raises(KindNotFound, match="it serves Deployment in apps/v1") as error:
        await cluster.apply(Object.of("example.com/v1", "Deployment", {"name": "a", "namespace": NAMESPACE}))
    assert type(error.value) is KindNotFound


async def test_kind_is_served_once_its_definition_is_established(cluster: Cluster) -> None:
    with pytest.raises(KindNotFound):
        await cluster.namespaced(widget())
    await wait_until_healthy(cluster, [await cluster.apply(definition())], ignore_progress)
    assert await cluster.namespaced(widget())
    assert (await cluster.apply(widget(size=3))).integer("spec", "size") == 3


async def test_kind_of_a_deleted_definition_is_refused(cluster: Cluster) -> None:
    applied = await cluster.apply(definition())
    await wait_until_healthy(cluster, [applied], ignore_progress)
    await cluster.apply(widget())
    await cluster.delete(applied.ref)
    await wait_until_gone(cluster, [applied], ignore_progress)

    async def refusal() -> KindNotFound | None:
        # For a moment longer, the API may respond that the definition is terminating.
        with pytest.raises((AccessDenied, KindNotFound)) as refused:
            await cluster.apply(widget())
        return refused.value if isinstance(refused.value, KindNotFound) else None

    await until(refusal)
    with pytest.raises(KindNotFound, match=r"does not serve Widget of example\.com/v1"):
        await cluster.apply(widget())


async def test_apply_in_a_missing_namespace_is_refused(cluster: Cluster) -> None:
    item = Object.of("v1", "ConfigMap", {"name": "a", "namespace": "nowhere"})
    with pytest.raises(NamespaceNotFound, match='namespaces "nowhere" not found'):
        await cluster.apply(item)


async def test_invalid_object_is_refused(cluster: Cluster) -> None:
    bad = deployment()
    bad.manifest["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    with pytest.raises(ResourceValidationError, match=r"applying Deployment default/web: .*selector"):
        await cluster.apply(bad)


async def test_error_does_not_contain_the_value_of_a_secret(cluster: Cluster) -> None:
    with pytest.raises(ResourceValidationError) as error:
        await cluster.apply(secret("Bad_Name", password="swordfish"))
    assert "Secret default/Bad_Name" in str(error.value)
    assert "swordfish" not in str(error.value)


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (400, "BadRequest", ResourceValidationError),
        (401, "Unauthorized", Unauthenticated),
        (403, "Forbidden", AccessDenied),
        (409, "Conflict", ConflictError),
        (413, "RequestEntityTooLarge", ResourceValidationError),
        (422, "Invalid", ResourceValidationError),
        (429, "TooManyRequests", ClusterUnavailable),
        (500, "InternalError", ClusterUnavailable),
        (503, "ServiceUnavailable", ClusterUnavailable),
        (504, "Timeout", ClusterUnavailable),
    ],
)
async def test_api_failure_raises_the_matching_error(
    cluster: Cluster, sandbox: Sandbox, code: int, reason: str, error: type[Exception]
) -> None:
    await cluster.apply(config_map())
    sandbox.faults.fail(1, status=code, reason=reason, path_contains="/configmaps", message="so it is")
    with pytest.raises(error, match="applying ConfigMap default/config: so it is"):
        await cluster.apply(config_map(a="1"))


async def test_undeclared_field_raises_a_validation_error(cluster: Cluster, sandbox: Sandbox) -> None:
    await cluster.apply(config_map())
    message = "failed to create typed patch object: .spec.oops: field not declared in schema"
    sandbox.faults.fail(1, status=500, reason="InternalError", path_contains="/configmaps", message=message)
    with pytest.raises(ResourceValidationError, match="field not declared"):
        await cluster.apply(config_map(a="1"))


async def test_unreachable_api_raises_cluster_unavailable(cluster: Cluster, sandbox: Sandbox) -> None:
    await cluster.apply(config_map())
    sandbox.faults.away = True
    with pytest.raises(ClusterUnavailable, match=f"the Kubernetes API at {sandbox.url} cannot be reached"):
        await cluster.apply(config_map(a="1"))
    sandbox.faults.away = False
    await cluster.apply(config_map(a="1"))


async def test_deletion_deletes_owned_objects_first(cluster: Cluster) -> None:
    applied = await cluster.apply(deployment())
    await wait_until_healthy(cluster, [applied], ignore_progress)
    assert await cluster.list("v1", "Pod", NAMESPACE)
    await cluster.delete(applied.ref)
    await wait_until_gone(cluster, [applied], ignore_progress)
    assert not await cluster.list("v1", "Pod", NAMESPACE)


async def test_deletion_by_uid_keeps_an_object_with_another_uid(cluster: Cluster) -> None:
    applied = await cluster.apply(config_map())
    await cluster.delete(applied.ref, uid="another")
    assert await cluster.get(applied.ref) is not None


async def test_event_is_recorded_once(cluster: Cluster) -> None:
    about = await cluster.apply(config_map())
    for _ in range(3):
        await cluster.record_event(about, "run", "Normal", "PlanStarted", "so it began")
    events = await cluster.list("v1", "Event", NAMESPACE)
    reasons = [event.text("reason") for event in events if event.text("involvedObject", "uid") == about.uid]
    assert reasons == ["PlanStarted"]


async def test_creation_and_deletion_of_a_namespace_are_awaited(cluster: Cluster) -> None:
    applied = await cluster.apply(namespace("fresh"))
    await wait_until_healthy(cluster, [applied], ignore_progress)
    await cluster.delete(applied.ref)
    await wait_until_gone(cluster, [applied], ignore_progress)
    assert await cluster.get(applied.ref) is None
