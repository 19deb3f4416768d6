"""The annotation that makes roll-outs slow, hang or fail."""

from typing import Any

from sandbox_client import APPS, BATCH, CORE, Client, counts, is_true, template, workload

ROLLOUT = "sandbox.kudo.dev/rollout"
WEB = f"{APPS}/deployments/web"
PODS = f"{CORE}/pods"


def pods_have_reason(reason: str) -> Any:
    return lambda found: reason in str([pod["status"] for pod in found["items"]])


def annotation(value: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {ROLLOUT: value}}}


async def test_deployment_fails_and_recovers(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    await client.patch(WEB, annotation("fail"))
    failed = await client.until(WEB, is_true("Progressing", "False"))
    reasons = {item["type"]: item["reason"] for item in failed["status"]["conditions"]}
    assert reasons["Progressing"] == "ProgressDeadlineExceeded"
    await client.until(PODS, lambda found: found["items"][0]["status"]["containerStatuses"][0]["restartCount"] > 1)
    await client.patch(WEB, annotation(None))
    await client.until(WEB, lambda obj: is_true("Progressing")(obj) and counts(readyReplicas=1)(obj))


async def test_template_that_fails_keeps_the_old_pods(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    await client.until(WEB, counts(readyReplicas=1))
    await client.put(WEB, workload("Deployment", pod=template("web:2", {ROLLOUT: "image"})))
    await client.until(PODS, pods_have_reason("ImagePullBackOff"))
    await client.until(WEB, counts(replicas=2, updatedReplicas=1, readyReplicas=1))
    await client.put(WEB, workload("Deployment", pod=template("web:3")))
    await client.until(WEB, lambda obj: obj["status"]["observedGeneration"] == 3 and counts(replicas=1)(obj))


async def test_hanging_pod_is_unschedulable(client: Client) -> None:
    await client.post(f"{APPS}/statefulsets", workload("StatefulSet", annotations={ROLLOUT: "hang"}, replicas=2))
    found = await client.until(PODS, pods_have_reason("Unschedulable"))
    assert [pod["metadata"]["name"] for pod in found["items"]] == ["web-0"]
    await client.patch(f"{APPS}/statefulsets/web", annotation("0.01"))
    await client.until(f"{APPS}/statefulsets/web", counts(readyReplicas=2))


async def test_stateful_set_recovers_with_a_new_template(client: Client) -> None:
    path = f"{APPS}/statefulsets/web"
    await client.post(f"{APPS}/statefulsets", workload("StatefulSet", pod=template("web:1", {ROLLOUT: "fail"})))
    await client.until(PODS, pods_have_reason("CrashLoopBackOff"))
    assert counts(readyReplicas=0)(await client.get(path))
    await client.put(path, workload("StatefulSet", pod=template("web:2")))
    await client.until(path, counts(readyReplicas=1, updatedReplicas=1))


async def test_job_fails(client: Client) -> None:
    await client.post(f"{BATCH}/jobs", workload("Job", annotations={ROLLOUT: "fail"}))
    failed = await client.until(f"{BATCH}/jobs/web", is_true("Failed"))
    (condition,) = [item for item in failed["status"]["conditions"] if item["type"] == "Failed"]
    assert (condition["reason"], failed["status"]["failed"]) == ("BackoffLimitExceeded", 1)
    assert "completionTime" not in failed["status"]


async def test_hanging_job_recovers(client: Client) -> None:
    await client.post(f"{BATCH}/jobs", workload("Job", annotations={ROLLOUT: "hang"}))
    await client.until(PODS, pods_have_reason("Unschedulable"))
    await client.patch(f"{BATCH}/jobs/web", annotation(None))
    await client.until(f"{BATCH}/jobs/web", is_true("Complete"))


async def test_long_roll_out_is_progressing(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment", annotations={ROLLOUT: "600"}))
    await client.until(PODS, pods_have_reason("ContainerCreating"))
    progressing = await client.until(WEB, counts(replicas=1, unavailableReplicas=1, readyReplicas=0))
    assert is_true("Progressing")(progressing)
    assert is_true("Available", "False")(progressing)
