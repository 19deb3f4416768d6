"""Server-side apply to objects that people, autoscalers, injectors or KUDO write as well."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.objects import NAMESPACE, config_map, deployment, service, stateful_set

from kudo.errors import ResourceValidationError
from kudo.kubernetes import Cluster
from kudo.kubernetes.connection import MERGE_PATCH, Connection
from kudo.model.base import Manifest
from kudo.model.objects import Object

DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
LAST_APPLIED = "kudo.dev/last-applied-configuration"


@pytest.fixture
async def others(kubeconfig: Path) -> AsyncIterator[Connection]:
    """A connection for the other writers."""
    async with await Connection.open() as connection:
        yield connection


async def scale(others: Connection, replicas: int, manager: str) -> None:
    query, body = {"fieldManager": manager}, {"spec": {"replicas": replicas}}
    path = f"{DEPLOYMENTS}/web/scale"
    assert (await others.request("PATCH", path, query=query, body=body, content_type=MERGE_PATCH)).ok


def autoscaler() -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9}
    return Object.of("autoscaling/v2", "HorizontalPodAutoscaler", {"name": "web", "namespace": NAMESPACE}, spec=spec)


async def edit(others: Connection, path: str, patch: Manifest, manager: str = "someone") -> Object:
    """Patch an object as another manager; lists are merged by key."""
    strategic = "application/strategic-merge-patch+json"
    query = {"fieldManager": manager}
    response = await others.request("PATCH", path, query=query, body=patch, content_type=strategic)
    assert response.ok, response.body
    return response.body


def with_containers(item: Object, *containers: Manifest) -> Object:
    item.manifest["spec"]["template"]["spec"]["containers"] = list(containers)
    return item


def containers(item: Object) -> list[str]:
    return [part.text("name") for part in item.children("spec", "template", "spec", "containers")]


async def test_replicas_set_by_an_autoscaler_are_kept(cluster: Cluster, others: Connection) -> None:
    await cluster.apply(deployment(replicas=2))
    await cluster.apply(autoscaler())
    await scale(others, 5, "kube-controller-manager")
    changed = deployment(replicas=3)
    changed.manifest["spec"]["revisionHistoryLimit"] = 1
    applied = await cluster.apply(changed)
    assert (applied.integer("spec", "replicas"), applied.integer("spec", "revisionHistoryLimit")) == (5, 1)
    # The next apply keeps the autoscaler's number as well.
    assert (await cluster.apply(changed)).integer("spec", "replicas") == 5
    # Zero replicas are applied nevertheless.
    assert (await cluster.apply(deployment(replicas=0))).integer("spec", "replicas") == 0


async def test_replicas_set_by_a_deleted_autoscaler_are_overwritten(cluster: Cluster, others: Connection) -> None:
    await cluster.apply(deployment(replicas=2))
    await scale(others, 5, "kube-controller-manager")
    assert (await cluster.apply(deployment(replicas=3))).integer("spec", "replicas") == 3


async def test_replicas_unchanged_by_an_autoscaler_are_applied(cluster: Cluster, others: Connection) -> None:
    await cluster.apply(deployment(replicas=2))
    await scale(others, 2, "kube-controller-manager")
    assert (await cluster.apply(deployment(replicas=2))).integer("spec", "replicas") == 2


async def test_replicas_set_manually_are_overwritten(cluster: Cluster, others: Connection) -> None:
    await cluster.apply(deployment(replicas=2))
    await scale(others, 5, "kubectl")
    assert (await cluster.apply(deployment(replicas=3))).integer("spec", "replicas") == 3


async def test_replicas_absent_from_the_manifest_are_kept(cluster: Cluster, others: Connection) -> None:
    without_replicas = deployment()
    del without_replicas.manifest["spec"]["replicas"]
    assert (await cluster.apply(without_replicas)).integer("spec", "replicas") == 1
    await scale(others, 4, "kubectl")
    assert (await cluster.apply(without_replicas)).integer("spec", "replicas") == 4


async def test_manual_change_of_an_applied_field_is_reverted(cluster: Cluster, others: Connection) -> None:
    before = (await cluster.apply(deployment())).integer("spec", "progressDeadlineSeconds")
    await edit(others, f"{DEPLOYMENTS}/web", {"spec": {"progressDeadlineSeconds": 99}}, "kubectl-edit")
    assert (await cluster.apply(deployment())).integer("spec", "progressDeadlineSeconds") == before != 99


async def test_injected_container_is_kept(cluster: Cluster, others: Connection) -> None:
    await cluster.apply(deployment())
    injected = {"spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "envoy"}]}}}}
    await edit(others, f"{DEPLOYMENTS}/web", injected)
    changed = with_containers(deployment(), {"name": "main", "image": "busybox:2"}, {"name": "second", "image": "b"})
    applied = await cluster.apply(changed)
    assert sorted(containers(applied)) == ["main", "proxy", "second"]
    # Only the container that the manifest drops is removed.
    assert sorted(containers(await cluster.apply(deployment()))) == ["main", "proxy"]


async def test_environment_variables_are_merged_by_name(cluster: Cluster, others: Connection) -> None:
    def main(**variables: str) -> Object:
        listed = [{"name": name, "value": value} for name, value in variables.items()]
        return with_containers(deployment(), {"name": "main", "image": "busybox", "env": listed})

    await cluster.apply(main(A="1", B="2"))
    theirs = {"name": "main", "env": [{"name": "THEIRS", "value": "3"}]}
    await edit(others, f"{DEPLOYMENTS}/web", {"spec": {"template": {"spec": {"containers": [theirs]}}}})
    applied = await cluster.apply(main(B="4", C="5"))
    container = applied.children("spec", "template", "spec", "containers")[0]
    found = {variable.text("name"): variable.text("value") for variable in container.children("env")}
    assert found == {"B": "4", "C": "5", "THEIRS": "3"}


async def test_ports_are_merged_by_number_and_protocol(cluster: Cluster) -> None:
    both = service()
    both.manifest["spec"]["ports"] = [
        {"name": "tcp", "port": 53},
        {"name": "udp", "port": 53, "protocol": "UDP"},
    ]
    await cluster.apply(both)
    udp_only = service()
    udp_only.manifest["spec"]["ports"] = [{"name": "udp", "port": 53, "protocol": "UDP"}]
    applied = await cluster.apply(udp_only)
    assert [port.text("name") for port in applied.children("spec", "ports")] == ["udp"]
    assert applied.text("spec", "clusterIP")


async def test_field_dropped_from_the_manifest_is_removed(cluster: Cluster, others: Connection) -> None:
    await cluster.apply(config_map(a="1", b="2"))
    await edit(others, f"/api/v1/namespaces/{NAMESPACE}/configmaps/config", {"data": {"theirs": "3"}})
    assert (await cluster.apply(config_map(a="1"))).strings("data") == {"a": "1", "theirs": "3"}


@pytest.mark.parametrize(
    ("item", "field", "kind"),
    [(deployment(), "strategy", "Recreate"), (stateful_set(), "updateStrategy", "OnDelete")],
    ids=["Deployment", "StatefulSet"],
)
async def test_update_strategy_is_changed_and_changed_back(
    cluster: Cluster, item: Object, field: str, kind: str
) -> None:
    await cluster.apply(item)
    other = json.loads(json.dumps(item.manifest))
    other["spec"][field] = {"type": kind}
    for _ in range(2):
        assert (await cluster.apply(Object(other))).child("spec", field).manifest == {"type": kind}
    # The default strategy again, with the fields that the API sets.
    assert (await cluster.apply(item)).text("spec", field, "type") == "RollingUpdate"


async def test_null_value_is_applied_as_empty_string(cluster: Cluster) -> None:
    item = config_map(a="1")
    item.manifest["data"]["b"] = None
    assert (await cluster.apply(item)).strings("data") == {"a": "1", "b": ""}


async def create_as_kudo(others: Connection, item: Object) -> None:
    """Create an object as KUDO does: client-side, with the applied manifest in an annotation."""
    manifest = json.loads(json.dumps(item.manifest))
    manifest["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(item.manifest)}
    plural = {"ConfigMap": f"/api/v1/namespaces/{NAMESPACE}/configmaps", "Deployment": DEPLOYMENTS}[item.kind]
    assert (await others.request("POST", plural, query={"fieldManager": "manager"}, body=manifest)).ok


async def test_fields_applied_by_kudo_are_taken_over(cluster: Cluster, others: Connection) -> None:
    await create_as_kudo(others, config_map(a="1", b="2"))
    await edit(others, f"/api/v1/namespaces/{NAMESPACE}/configmaps/config", {"data": {"theirs": "3"}})
    applied = await cluster.apply(config_map(a="4"))
    assert applied.strings("data") == {"a": "4", "theirs": "3"}
    assert LAST_APPLIED not in applied.annotations
    managers = [entry.text("manager") for entry in applied.children("metadata", "managedFields")]
    assert sorted(managers) == ["kudo", "someone"]


async def test_fields_set_under_the_manager_of_kudo_but_not_applied_are_kept(
    cluster: Cluster, others: Connection
) -> None:
    await create_as_kudo(others, config_map(a="1", b="2"))
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/config"
    theirs: Manifest = {"metadata": {"finalizers": ["example.com/hold"]}, "data": {"theirs": "3"}}
    await edit(others, path, theirs, "manager")
    applied = await cluster.apply(config_map(a="1"))
    assert applied.strings("data") == {"a": "1", "theirs": "3"}
    assert applied.manifest["metadata"]["finalizers"] == ["example.com/hold"]


async def test_workload_applied_by_kudo_is_taken_over_without_a_restart(cluster: Cluster, others: Connection) -> None:
    item = with_containers(deployment(), {"name": "main", "image": "busybox", "env": [{"name": "A", "value": "1"}]})
    await create_as_kudo(others, item)
    before = await cluster.get(item.ref)
    unchanged = await cluster.apply(item)
    assert before is not None
    assert unchanged.child("spec", "template") == before.child("spec", "template")
    dropped = await cluster.apply(deployment())
    assert not dropped.children("spec", "template", "spec", "containers")[0].children("env")


async def test_autoscaled_replicas_of_a_workload_applied_by_kudo_are_kept(cluster: Cluster, others: Connection) -> None:
    await create_as_kudo(others, deployment(replicas=2))
    await cluster.apply(autoscaler())
    await scale(others, 5, "kube-controller-manager")
    assert (await cluster.apply(deployment(replicas=2))).integer("spec", "replicas") == 5
    assert (await cluster.apply(deployment(replicas=3))).integer("spec", "replicas") == 5


SECRET_KEY = {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}


def with_pod(container: Manifest | None = None, **pod: object) -> Object:
    """A Deployment with fields of its container and of its pods."""
    item = with_containers(deployment(), {"name": "main", "image": "busybox", **(container or {})})
    item.manifest["spec"]["template"]["spec"].update(pod)
    return item


def edited_pod(container: Manifest | None = None, **pod: object) -> Manifest:
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", **(container or {})}], **pod}}}}


def volume(**source: object) -> dict[str, object]:
    return {"volumes": [{"name": "conf", **source}]}


def probe(**fields: object) -> Manifest:
    return {"livenessProbe": fields}


# With the API's defaults, which the sandbox and dry runs do not set.
CONFIG = {"configMap": {"name": "c", "optional": True, "defaultMode": 420}}
HTTP = {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}}
TCP = {"tcpSocket": {"port": 81}}
TIMES = {"failureThreshold": 3, "successThreshold": 1, "timeoutSeconds": 1}


@pytest.mark.parametrize(
    ("item", "edit_of_somebody", "field", "wanted"),
    [
        (
            with_pod({"env": [{"name": "PW", "valueFrom": SECRET_KEY}, {"name": "B", "value": "1"}]}),
            edited_pod({"env": [{"name": "PW", "value": "typed", "valueFrom": None}]}),
            ("containers", "env"),
            [{"name": "PW", "valueFrom": SECRET_KEY}, {"name": "B", "value": "1"}],
        ),
        (
            with_pod({"env": [{"name": "PW", "value": "plain"}]}),
            edited_pod({"env": [{"name": "PW", "value": None, "valueFrom": SECRET_KEY}]}),
            ("containers", "env"),
            [{"name": "PW", "value": "plain"}],
        ),
        (
            with_pod({"env": [{"name": "PW", "valueFrom": SECRET_KEY}]}),
            edited_pod(
                {
                    "env": [
                        {"name": "PW", "valueFrom": {"secretKeyRef": None, "fieldRef": {"fieldPath": "metadata.name"}}}
                    ]
                }
            ),
            ("containers", "env"),
            [{"name": "PW", "valueFrom": SECRET_KEY}],
        ),
        (
            with_pod(probe(**TIMES, **HTTP)),
            edited_pod(probe(httpGet=None, periodSeconds=7, **TCP)),
            ("containers", "livenessProbe"),
            {"periodSeconds": 7, **TIMES, **HTTP},
        ),
        (
            with_pod({"lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}),
            edited_pod({"lifecycle": {"preStop": {"exec": None, **TCP}}}),
            ("containers", "lifecycle"),
            {"preStop": {"exec": {"command": ["true"]}}},
        ),
        (
            with_pod({"volumeMounts": [{"name": "conf", "mountPath": "/c"}]}, **volume(**CONFIG)),
            edited_pod(**volume(configMap=None, emptyDir={"sizeLimit": "1Mi"})),
            ("volumes",),
            [{"name": "conf", **CONFIG}],
        ),
    ],
    ids=["valueFrom", "value", "source of a value", "probe", "hook", "volume"],
)
async def test_alternative_that_somebody_has_set_is_replaced(
    cluster: Cluster,
    others: Connection,
    item: Object,
    edit_of_somebody: Manifest,
    field: tuple[str, ...],
    wanted: object,
) -> None:
    await cluster.apply(item)
    edited = await edit(others, f"{DEPLOYMENTS}/web", edit_of_somebody)
    assert part(edited, field) != wanted
    preview = await cluster.dry_run_apply(item)
    applied = await cluster.apply(item)
    assert part(preview, field) == part(applied, field) == wanted


def part(item: Object, field: tuple[str, ...]) -> object:
    pod = item.child("spec", "template", "spec")
    return pod.children("containers")[0].manifest[field[1]] if len(field) > 1 else pod.manifest[field[0]]


async def test_bound_of_a_budget_that_somebody_has_set_is_replaced(cluster: Cluster, others: Connection) -> None:
    metadata = {"name": "web", "namespace": NAMESPACE}
    spec = {"selector": {"matchLabels": {"app": "web"}}}
    budget = Object.of("policy/v1", "PodDisruptionBudget", metadata, spec=spec | {"minAvailable": 1})
    await cluster.apply(budget)
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/web"
    await edit(others, path, {"spec": {"minAvailable": None, "maxUnavailable": 1}})
    assert (await cluster.dry_run_apply(budget)).child("spec").manifest == spec | {"minAvailable": 1}
    assert (await cluster.apply(budget)).child("spec").manifest == spec | {"minAvailable": 1}


async def test_key_of_a_config_map_that_somebody_has_moved_to_binary_data_is_replaced(
    cluster: Cluster, others: Connection
) -> None:
    await cluster.apply(config_map(a="1", b="2"))
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/config"
    await edit(others, path, {"data": {"a": None}, "binaryData": {"a": "MQ==", "theirs": "MQ=="}})
    assert (await cluster.dry_run_apply(config_map(a="1", b="2"))).strings("data") == {"a": "1", "b": "2"}
    applied = await cluster.apply(config_map(a="1", b="2"))
    assert (applied.strings("data"), applied.strings("binaryData")) == ({"a": "1", "b": "2"}, {"theirs": "MQ=="})


async def test_alternative_in_an_object_that_nobody_applied_is_replaced(cluster: Cluster, others: Connection) -> None:
    theirs = with_pod({"env": [{"name": "PW", "value": "typed"}]})
    assert (await others.request("POST", DEPLOYMENTS, query={"fieldManager": "someone"}, body=theirs.manifest)).ok
    applied = await cluster.apply(with_pod({"env": [{"name": "PW", "valueFrom": SECRET_KEY}]}))
    assert part(applied, ("containers", "env")) == [{"name": "PW", "valueFrom": SECRET_KEY}]


async def test_manifest_with_two_alternatives_is_refused(cluster: Cluster) -> None:
    await cluster.apply(with_pod({"env": [{"name": "PW", "value": "typed"}]}))
    both = with_pod({"env": [{"name": "PW", "value": "typed", "valueFrom": SECRET_KEY}]})
    with pytest.raises(ResourceValidationError, match="may not be specified when `value` is not empty"):
        await cluster.apply(both)
