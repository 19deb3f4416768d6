"""Every kind that has a rule of health, and some that have none: healthy in the end, and after a change, and failed."""

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


async def healthy(cluster: Cluster, item: Object) -> Object:
    """Apply an object, and read it when it is healthy."""
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
async def test_becomes_healthy(cluster: Cluster, item: Object) -> None:
    await healthy(cluster, item)


def changed(item: Object) -> Object:
    """The same workload with another image."""
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
async def test_a_roll_out_is_waited_for_to_its_last_pod(cluster: Cluster, item: Object, count: int) -> None:
    await healthy(cluster, item)
    assert await images(cluster, item.name) == ["busybox"] * count
    await healthy(cluster, changed(item))
    assert await images(cluster, item.name) == ["busybox:2"] * count


async def test_a_partition_is_rolled_out_as_far_as_it_goes(cluster: Cluster) -> None:
    item = stateful_set(replicas=3)
    await healthy(cluster, item)
    new = changed(item)
    new.manifest["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    await healthy(cluster, new)
    assert sorted(await images(cluster, "db")) == ["busybox", "busybox", "busybox:2"]


async def test_what_rolls_out_on_delete_is_not_waited_for(cluster: Cluster) -> None:
    item = stateful_set(replicas=2)
    await healthy(cluster, item)
    new = changed(item)
    new.manifest["spec"]["updateStrategy"] = {"type": "OnDelete"}
    await healthy(cluster, new)
    assert await images(cluster, "db") == ["busybox"] * 2


async def test_fewer_replicas_are_waited_for(cluster: Cluster) -> None:
    await healthy(cluster, deployment(replicas=3))
    await healthy(cluster, deployment(replicas=1))
    assert await images(cluster, "web") == ["busybox"]


async def test_a_stopped_job_is_not_waited_for(cluster: Cluster) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
    await healthy(cluster, of("batch/v1", "Job", {"suspend": True, "template": {"spec": pod}}))


async def test_a_service_changes_its_type(cluster: Cluster) -> None:
    await healthy(cluster, service())
    balanced = await healthy(cluster, service("web", "LoadBalancer"))
    assert balanced.children("status", "loadBalancer", "ingress")


async def test_a_definition_whose_names_are_taken(cluster: Cluster) -> None:
    await healthy(cluster, definition())
    other = definition()
    # The same group cannot have two kinds with one short name.
    spec = other.manifest["spec"]
    spec["names"] = {"kind": "Widget", "listKind": "WidgetList", "plural": "gadgets", "singular": "gadget"}
    other.manifest["metadata"]["name"] = "gadgets.example.com"
    applied = await cluster.apply(other)
    with pytest.raises(FailedTerminalStateError, match="is already in use"):
        await asyncio.wait_for(wait_until_healthy(cluster, [applied], lambda _: None), 30)


async def test_a_custom_resource_says_itself_how_it_is(cluster: Cluster) -> None:
    crd = definition()
    crd.manifest["spec"]["versions"][0]["subresources"] = {"status": {}}
    await healthy(cluster, crd)
    one = Object.of("example.com/v1", "Widget", {"name": "one", "namespace": NAMESPACE}, spec={"size": 1})
    await cluster.apply(one)
    now = {"type": "Ready", "status": "False", "reason": "Working", "message": "not yet"}
    await cluster.patch(one.ref, {"status": {"conditions": [now]}}, "status")
    said: list[str] = []
    task = asyncio.create_task(wait_until_healthy(cluster, [await cluster.apply(one)], said.append))

    async def told() -> bool:
        return any("not yet" in line for line in said)

    await until(told)
    await cluster.patch(one.ref, {"status": {"conditions": [{**now, "status": "True"}]}}, "status")
    await asyncio.wait_for(task, 30)
    stalled = {"type": "Stalled", "status": "True", "reason": "Broken", "message": "for good"}
    await cluster.patch(one.ref, {"status": {"conditions": [stalled]}}, "status")
    with pytest.raises(FailedTerminalStateError, match="for good"):
        await wait_until_healthy(cluster, [await cluster.apply(one)], said.append)


async def test_what_has_no_status_is_healthy_at_once(cluster: Cluster) -> None:
    await healthy(cluster, config_map())


RULES = {
    "kudo.dev/ready": "status.phase == 'Running' and status.members >= spec.size",
    "kudo.dev/failed": "status.reason if status.phase == 'Broken'",
}


def ruled(**rules: str) -> Object:
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
    await healthy(cluster, crd)


@pytest.mark.usefixtures("widgets")
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, waiting(f"`{RULES['kudo.dev/ready']}` does not hold yet")),
        ({"phase": "Running", "members": 1}, waiting(f"`{RULES['kudo.dev/ready']}` does not hold yet")),
        ({"phase": "Running", "members": 2}, HEALTHY),
        ({"phase": "Running", "members": "2"}, waiting("'>=' not supported between instances of 'str' and 'int'")),
        ({"phase": "Broken", "reason": "it burns", "members": 2}, failed("it burns")),
        (
            {"phase": "Running", "members": 2, "conditions": [{"type": "Stalled", "status": "True"}]},
            failed("it is not ready"),
        ),
    ],
)
async def test_an_own_rule(cluster: Cluster, renderer: Renderer, status: dict[str, object], verdict: Health) -> None:
    assert await AnnotationRules(renderer)(await with_status(cluster, ruled(), **status)) == verdict


@pytest.mark.usefixtures("widgets")
async def test_a_rule_for_failures_alone(cluster: Cluster, renderer: Renderer) -> None:
    judge, item = AnnotationRules(renderer), ruled(failed="status.errors > 3")
    # What cannot be compared yet has not failed.
    assert (await judge(await with_status(cluster, item))).state is not State.FAILED
    assert await judge(await with_status(cluster, item, errors=1)) == HEALTHY
    assert await judge(await with_status(cluster, item, errors=4)) == failed("`status.errors > 3` is true")


@pytest.mark.usefixtures("widgets")
async def test_a_rule_for_failures_that_cannot_be_told_hides_no_readiness(cluster: Cluster, renderer: Renderer) -> None:
    item = ruled(ready="status.phase == 'Running'", failed="status.failures > 3")
    assert await AnnotationRules(renderer)(await with_status(cluster, item, phase="Running")) == HEALTHY


@pytest.mark.usefixtures("widgets")
async def test_an_own_rule_is_waited_for(cluster: Cluster, renderer: Renderer) -> None:
    said: list[str] = []
    applied = await cluster.apply(ruled())
    task = asyncio.create_task(
        wait_until_healthy(cluster, [applied], said.append, health_check=AnnotationRules(renderer))
    )

    async def told() -> bool:
        return any("does not hold yet" in line for line in said)

    await until(told)
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
async def test_pods_in_trouble_are_given_up_in_the_end(cluster: Cluster, rollout: str, words: str) -> None:
    applied = await cluster.apply(stateful_set(rollout=rollout))
    with pytest.raises(FailedTerminalStateError, match=words):
        await asyncio.wait_for(
            wait_until_healthy(cluster, [applied], lambda _: None, patience=timedelta(seconds=1)), 30
        )


async def test_pods_that_heal_in_time_are_not_given_up(cluster: Cluster) -> None:
    applied = await cluster.apply(stateful_set(rollout="image"))
    task = asyncio.create_task(wait_until_healthy(cluster, [applied], lambda _: None, patience=timedelta(seconds=20)))
    await roll_out(cluster, "db")
    await asyncio.wait_for(task, 30)


def instance(*plans: tuple[str, str, str]) -> Object:
    """An Instance whose plans have a status, and were changed last on a day of November."""
    status = {
        name: {"name": name, "status": status, "lastUpdatedTimestamp": f"2026-11-{day}T00:00:00Z"}
        for name, status, day in plans
    }
    return Object.of("kudo.dev/v1beta1", "Instance", {"name": "one"}, status={"planStatus": status})


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        (instance(), waiting("no plan of it was started yet")),
        (instance(("deploy", "IN_PROGRESS", "01")), waiting("its plan deploy is IN_PROGRESS")),
        (instance(("deploy", "COMPLETE", "01")), HEALTHY),
        (instance(("deploy", "FATAL_ERROR", "01"), ("update", "COMPLETE", "02")), HEALTHY),
        (
            instance(("deploy", "COMPLETE", "01"), ("update", "FATAL_ERROR", "02")),
            failed("its plan update is FATAL_ERROR"),
        ),
    ],
)
def test_an_instance(item: Object, verdict: Health) -> None:
    assert health(item) == verdict
