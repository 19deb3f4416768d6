"""Health of all kinds that have a rule, and of some that have none: healthy, healthy after a change, and failed."""

import asyncio
import copy
from datetime import timedelta

import pytest
from support.objects import NAMESPACE, config_map, daemon_set, definition, deployment, namespace, service, stateful_set
from support.rollouts import roll_out
from support.waiting import until

from kudo.errors import FailedTerminalStateError
from kudo.kubernetes import Cluster
from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.rollout import AnnotationRules, wait_until_healthy
from kudo.rollout.health import HEALTHY, Health, State, health
from kudo.rollout.health.state import failed, waiting
from kudo.templates import Renderer

SELECTOR: Manifest = {"matchLabels": {"app": "web"}}


def of(api_version: str, kind: str, spec: Manifest) -> Object:
    return Object.of(api_version, kind, {"name": "web", "namespace": NAMESPACE}, spec=spec)


def replica_set() -> Object:
    spec = deployment().child("spec").manifest
    return of("apps/v1", "ReplicaSet", {key: spec[key] for key in ("replicas", "selector", "template")})


def cron_job() -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
    template = {"spec": {"template": {"spec": pod}}}
    return of("batch/v1", "CronJob", {"schedule": "0 3 * * *", "jobTemplate": template})


def headless() -> Object:
    return of("v1", "Service", {"clusterIP": "None", "ports": [{"port": 80}]})


def external() -> Object:
    return of("v1", "Service", {"type": "ExternalName", "externalName": "example.com"})


def budget() -> Object:
    return of("policy/v1", "PodDisruptionBudget", {"maxUnavailable": 1, "selector": SELECTOR})


def autoscaler() -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return of("autoscaling/v2", "HorizontalPodAutoscaler", {"scaleTargetRef": target, "maxReplicas": 3})


def ingress() -> Object:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return of("networking.k8s.io/v1", "Ingress", {"defaultBackend": backend})


def policy() -> Object:
    return of("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": SELECTOR})


def account() -> Object:
    return Object.of("v1", "ServiceAccount", {"name": "web", "namespace": NAMESPACE})


async def apply_until_healthy(cluster: Cluster, item: Object) -> Object:
    """Apply an object, wait until it is healthy, and return it."""
    applied = await cluster.apply(item)
    await asyncio.wait_for(wait_until_healthy(cluster, [applied], lambda _: None), 30)
    found = await cluster.get(item.ref)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "item",
    [
        replica_set(),
        cron_job(),
        headless(),
        external(),
        budget(),
        autoscaler(),
        ingress(),
        policy(),
        account(),
        definition(),
        namespace("fresh"),
    ],
    ids=lambda item: item.kind + item.text("spec", "type") + item.text("spec", "clusterIP"),
)
async def test_object_becomes_healthy(cluster: Cluster, item: Object) -> None:
    await apply_until_healthy(cluster, item)


def with_new_image(item: Object) -> Object:
    """Return the same workload with another image."""
    new = Object(copy.deepcopy(item.manifest))
    new.manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "busybox:2"
    return new


async def images(cluster: Cluster, app: str) -> list[str]:
    pods = await cluster.list("v1", "Pod", NAMESPACE, f"app={app}")
    return [pod.children("spec", "containers")[0].text("image") for pod in pods if not pod.terminating]


@pytest.mark.parametrize(
    ("item", "count"),
    [(deployment(replicas=3), 3), (stateful_set(replicas=3), 3), (daemon_set(), 1)],
    ids=lambda value: value.kind if isinstance(value, Object) else "",
)
async def test_roll_out_is_awaited_to_its_last_pod(cluster: Cluster, item: Object, count: int) -> None:
    await apply_until_healthy(cluster, item)
    assert await images(cluster, item.name) == ["busybox"] * count
    await apply_until_healthy(cluster, with_new_image(item))
    assert await images(cluster, item.name) == ["busybox:2"] * count


async def test_partitioned_roll_out_is_healthy_at_its_partition(cluster: Cluster) -> None:
    item = stateful_set(replicas=3)
    await apply_until_healthy(cluster, item)
    new = with_new_image(item)
    new.manifest["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    await apply_until_healthy(cluster, new)
    assert sorted(await images(cluster, "db")) == ["busybox", "busybox", "busybox:2"]


async def test_on_delete_strategy_is_healthy_without_a_roll_out(cluster: Cluster) -> None:
    item = stateful_set(replicas=2)
    await apply_until_healthy(cluster, item)
    new = with_new_image(item)
    new.manifest["spec"]["updateStrategy"] = {"type": "OnDelete"}
    await apply_until_healthy(cluster, new)
    assert await images(cluster, "db") == ["busybox"] * 2


async def test_scale_down_is_awaited(cluster: Cluster) -> None:
    await apply_until_healthy(cluster, deployment(replicas=3))
    await apply_until_healthy(cluster, deployment(replicas=1))
    assert await images(cluster, "web") == ["busybox"]


async def test_suspended_job_is_healthy(cluster: Cluster) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
    await apply_until_healthy(cluster, of("batch/v1", "Job", {"suspend": True, "template": {"spec": pod}}))


async def test_service_changed_to_load_balancer_becomes_healthy(cluster: Cluster) -> None:
    await apply_until_healthy(cluster, service())
    balanced = await apply_until_healthy(cluster, service("web", "LoadBalancer"))
    assert balanced.children("status", "loadBalancer", "ingress")


async def test_definition_whose_names_are_in_use_fails(cluster: Cluster) -> None:
    await apply_until_healthy(cluster, definition())
    other = definition()
    # Two definitions of a group cannot have the same kind.
    spec = other.manifest["spec"]
    spec["names"] = {"kind": "Widget", "listKind": "WidgetList", "plural": "gadgets", "singular": "gadget"}
    other.manifest["metadata"]["name"] = "gadgets.example.com"
    applied = await cluster.apply(other)
    with pytest.raises(FailedTerminalStateError, match="is already in use"):
        await asyncio.wait_for(wait_until_healthy(cluster, [applied], lambda _: None), 30)


async def test_conditions_of_a_custom_resource_decide_its_health(cluster: Cluster) -> None:
    crd = definition()
    crd.manifest["spec"]["versions"][0]["subresources"] = {"status": {}}
    await apply_until_healthy(cluster, crd)
    resource = Object.of("example.com/v1", "Widget", {"name": "one", "namespace": NAMESPACE}, spec={"size": 1})
    await cluster.apply(resource)
    not_ready = {"type": "Ready", "status": "False", "reason": "Working", "message": "not yet"}
    await cluster.patch(resource.ref, {"status": {"conditions": [not_ready]}}, "status")
    messages: list[str] = []
    task = asyncio.create_task(wait_until_healthy(cluster, [await cluster.apply(resource)], messages.append))

    async def is_reported() -> bool:
        return any("not yet" in line for line in messages)

    await until(is_reported)
    await cluster.patch(resource.ref, {"status": {"conditions": [{**not_ready, "status": "True"}]}}, "status")
    await asyncio.wait_for(task, 30)
    stalled = {"type": "Stalled", "status": "True", "reason": "Broken", "message": "for good"}
    await cluster.patch(resource.ref, {"status": {"conditions": [stalled]}}, "status")
    with pytest.raises(FailedTerminalStateError, match="for good"):
        await wait_until_healthy(cluster, [await cluster.apply(resource)], messages.append)


async def test_object_without_status_is_healthy(cluster: Cluster) -> None:
    await apply_until_healthy(cluster, config_map())


RULES = {
    "kudo.dev/ready": "status.phase == 'Running' and status.members >= spec.size",
    "kudo.dev/failed": "status.reason if status.phase == 'Broken'",
}


def widget_with_rules(**rules: str) -> Object:
    item = Object.of("example.com/v1", "Widget", {"name": "one", "namespace": NAMESPACE}, spec={"size": 2})
    item.manifest["metadata"]["annotations"] = {f"kudo.dev/{name}": rule for name, rule in rules.items()} or RULES
    return item


async def with_status(cluster: Cluster, item: Object, **status: object) -> Object:
    await cluster.apply(item)
    await cluster.patch(item.ref, {"status": status}, "status")
    found = await cluster.get(item.ref)
    assert found is not None
    return found


@pytest.fixture
async def widgets(cluster: Cluster) -> None:
    crd = definition()
    crd.manifest["spec"]["versions"][0]["subresources"] = {"status": {}}
    await apply_until_healthy(cluster, crd)


@pytest.mark.usefixtures("widgets")
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, waiting(f"`{RULES['kudo.dev/ready']}` is not true yet")),
        ({"phase": "Running", "members": 1}, waiting(f"`{RULES['kudo.dev/ready']}` is not true yet")),
        ({"phase": "Running", "members": 2}, HEALTHY),
        ({"phase": "Running", "members": "2"}, waiting("'>=' not supported between instances of 'str' and 'int'")),
        ({"phase": "Broken", "reason": "it burns", "members": 2}, failed("it burns")),
        (
            {"phase": "Running", "members": 2, "conditions": [{"type": "Stalled", "status": "True"}]},
            failed("it is not ready"),
        ),
    ],
)
async def test_annotation_rules_decide_health(
    cluster: Cluster, renderer: Renderer, status: dict[str, object], verdict: Health
) -> None:
    assert await AnnotationRules(renderer)(await with_status(cluster, widget_with_rules(), **status)) == verdict


@pytest.mark.usefixtures("widgets")
async def test_object_with_only_a_failure_rule_is_healthy_until_it_holds(cluster: Cluster, renderer: Renderer) -> None:
    rules, item = AnnotationRules(renderer), widget_with_rules(failed="status.errors > 3")
    # A rule that cannot be evaluated yet does not fail the object.
    assert (await rules(await with_status(cluster, item))).state is not State.FAILED
    assert await rules(await with_status(cluster, item, errors=1)) == HEALTHY
    assert await rules(await with_status(cluster, item, errors=4)) == failed("`status.errors > 3` is true")


@pytest.mark.usefixtures("widgets")
async def test_failure_rule_that_cannot_be_evaluated_does_not_hide_readiness(
    cluster: Cluster, renderer: Renderer
) -> None:
    item = widget_with_rules(ready="status.phase == 'Running'", failed="status.failures > 3")
    assert await AnnotationRules(renderer)(await with_status(cluster, item, phase="Running")) == HEALTHY


@pytest.mark.usefixtures("widgets")
async def test_annotation_rule_is_awaited(cluster: Cluster, renderer: Renderer) -> None:
    messages: list[str] = []
    applied = await cluster.apply(widget_with_rules())
    task = asyncio.create_task(
        wait_until_healthy(cluster, [applied], messages.append, health_check=AnnotationRules(renderer))
    )

    async def is_reported() -> bool:
        return any("is not true yet" in line for line in messages)

    await until(is_reported)
    await cluster.patch(applied.ref, {"status": {"phase": "Running", "members": 2}}, "status")
    await asyncio.wait_for(task, 30)


@pytest.mark.parametrize(
    ("rollout", "words"),
    [
        ("fail", r"for 1s pod db-0: CrashLoopBackOff"),
        ("image", r"for 1s pod db-0: ImagePullBackOff"),
        ("hang", r"for 1s pod db-0: Unschedulable"),
    ],
)
async def test_pods_in_trouble_fail_after_the_patience(cluster: Cluster, rollout: str, words: str) -> None:
    applied = await cluster.apply(stateful_set(rollout=rollout))
    with pytest.raises(FailedTerminalStateError, match=words):
        await asyncio.wait_for(
            wait_until_healthy(cluster, [applied], lambda _: None, patience=timedelta(seconds=1)), 30
        )


async def test_pods_that_recover_within_the_patience_become_healthy(cluster: Cluster) -> None:
    applied = await cluster.apply(stateful_set(rollout="image"))
    task = asyncio.create_task(wait_until_healthy(cluster, [applied], lambda _: None, patience=timedelta(seconds=20)))
    await roll_out(cluster, "db")
    await asyncio.wait_for(task, 30)


def instance(*plans: tuple[str, str, str]) -> Object:
    """Return an Instance with plans, each given as name, status and the day of November of its last update."""
    status = {
        name: {"name": name, "status": status, "lastUpdatedTimestamp": f"2026-11-{day}T00:00:00Z"}
        for name, status, day in plans
    }
    return Object.of("kudo.dev/v1beta1", "Instance", {"name": "one"}, status={"planStatus": status})


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        (instance(), waiting("none of its plans has started yet")),
        (instance(("deploy", "IN_PROGRESS", "01")), waiting("its plan deploy is IN_PROGRESS")),
        (instance(("deploy", "COMPLETE", "01")), HEALTHY),
        (instance(("deploy", "FATAL_ERROR", "01"), ("update", "COMPLETE", "02")), HEALTHY),
        (
            instance(("deploy", "COMPLETE", "01"), ("update", "FATAL_ERROR", "02")),
            failed("its plan update is FATAL_ERROR"),
        ),
    ],
)
def test_health_of_an_instance_is_that_of_its_latest_plan(item: Object, verdict: Health) -> None:
    assert health(item) == verdict
