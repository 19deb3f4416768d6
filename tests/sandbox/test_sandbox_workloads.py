"""The simulated controllers."""

from typing import Any

from sandbox_client import APPS, BATCH, CORE, Client, config_map, counts, is_true, template, workload

WEB = f"{APPS}/deployments/web"
DB = f"{APPS}/statefulsets/web"
JOB = f"{BATCH}/jobs/web"
PODS = f"{CORE}/pods"
READY = counts(replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=2)


async def test_deployment_becomes_ready(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment", replicas=2))
    done = await client.until(WEB, READY)
    assert done["status"]["observedGeneration"] == done["metadata"]["generation"]
    assert is_true("Available")(done)
    assert is_true("Progressing")(done)
    (replica_set,) = await client.items(f"{APPS}/replicasets")
    for pod in await client.items(PODS):
        assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert (pod["spec"]["nodeName"], pod["status"]["phase"]) == ("sandbox", "Running")


async def test_new_template_replaces_the_pods(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment", replicas=2))
    await client.until(WEB, READY)
    await client.put(WEB, workload("Deployment", pod=template("web:2"), replicas=2))
    await client.until(WEB, lambda obj: READY(obj) and obj["status"]["observedGeneration"] == 2)
    assert {pod["spec"]["containers"][0]["image"] for pod in await client.items(PODS)} == {"web:2"}
    assert sorted(item["spec"]["replicas"] for item in await client.items(f"{APPS}/replicasets")) == [0, 2]


async def test_deleted_pod_is_recreated(client: Client) -> None:
    await client.post(f"{APPS}/deployments", workload("Deployment"))
    await client.until(WEB, counts(readyReplicas=1))
    (pod,) = await client.items(PODS)
    await client.delete(f"{PODS}/{pod['metadata']['name']}")

    def replaced(found: Any) -> bool:
        return [item["metadata"]["uid"] != pod["metadata"]["uid"] for item in found["items"]] == [True]

    await client.until(PODS, replaced)


async def test_stateful_set_numbers_its_pods_and_claims(client: Client) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = [{"metadata": {"name": "data"}, "spec": spec}]
    await client.post(f"{APPS}/statefulsets", workload("StatefulSet", replicas=2, volumeClaimTemplates=claims))
    done = await client.until(DB, counts(readyReplicas=2, availableReplicas=2, updatedReplicas=2))
    assert done["status"]["currentRevision"] == done["status"]["updateRevision"]
    assert [pod["metadata"]["name"] for pod in await client.items(PODS)] == ["web-0", "web-1"]
    bound = await client.items(f"{CORE}/persistentvolumeclaims")
    assert [item["metadata"]["name"] for item in bound] == ["data-web-0", "data-web-1"]
    volumes = {item["metadata"]["name"] for item in await client.items("/api/v1/persistentvolumes")}
    assert {item["spec"]["volumeName"] for item in bound} == volumes


async def test_stateful_set_is_updated_and_scaled_down(client: Client) -> None:
    await client.post(f"{APPS}/statefulsets", workload("StatefulSet", replicas=2))
    await client.until(DB, counts(readyReplicas=2))
    await client.put(DB, workload("StatefulSet", pod=template("web:2"), replicas=2))
    await client.until(DB, lambda obj: obj["status"]["observedGeneration"] == 2 and READY(obj))
    await client.patch(DB, {"spec": {"replicas": 1}})
    await client.until(PODS, lambda found: [pod["metadata"]["name"] for pod in found["items"]] == ["web-0"])


async def test_daemon_set_has_one_pod(client: Client) -> None:
    await client.post(f"{APPS}/daemonsets", workload("DaemonSet"))
    await client.until(f"{APPS}/daemonsets/web", counts(numberReady=1, desiredNumberScheduled=1, numberAvailable=1))


async def test_job_completes(client: Client) -> None:
    await client.post(f"{BATCH}/jobs", workload("Job", completions=3, parallelism=2))
    done = await client.until(JOB, is_true("Complete"))
    assert done["status"]["succeeded"] == 3
    assert done["status"]["completionTime"]
    assert is_true("SuccessCriteriaMet")(done)
    assert {pod["status"]["phase"] for pod in await client.items(PODS)} == {"Succeeded"}


async def test_suspended_job_completes_after_it_is_resumed(client: Client) -> None:
    await client.post(f"{BATCH}/jobs", workload("Job", suspend=True))
    await client.until(JOB, is_true("Suspended"))
    assert await client.items(PODS) == []
    await client.patch(JOB, {"spec": {"suspend": False}})
    await client.until(JOB, is_true("Complete"))


async def test_bare_pod_completes(client: Client) -> None:
    spec = template(restartPolicy="Never")["spec"]
    await client.post(PODS, {"metadata": {"name": "once"}, "spec": spec})
    await client.until(f"{PODS}/once", lambda pod: pod["status"]["phase"] == "Succeeded")


async def test_pod_waits_for_its_volumes(client: Client) -> None:
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
    await client.post(f"{APPS}/deployments", workload("Deployment", pod=template(volumes=volumes)))

    def is_reported(found: Any) -> bool:
        statuses = [pod["status"].get("containerStatuses", []) for pod in found["items"]]
        return 'configmap "settings" not found' in str(statuses)

    found = await client.until(PODS, is_reported)
    assert found["items"][0]["status"]["phase"] == "Pending"
    await client.post(f"{CORE}/configmaps", config_map())
    await client.until(WEB, counts(readyReplicas=1))


async def test_load_balancer_gets_an_address(client: Client) -> None:
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    created = await client.post(f"{CORE}/services", {"metadata": {"name": "web"}, "spec": spec})
    assert created["spec"]["clusterIP"].startswith("10.96.")
    await client.until(f"{CORE}/services/web", lambda obj: obj["status"].get("loadBalancer", {}).get("ingress"))


async def test_logs_report_that_there_is_no_output(client: Client) -> None:
    await client.post(PODS, {"metadata": {"name": "once"}, "spec": template()["spec"]})
    await client.until(f"{PODS}/once", lambda pod: pod["status"]["phase"] == "Running")
    assert "so web has no output" in await client.get(f"{PODS}/once/log")


async def test_claim_of_a_late_class_is_bound_when_a_pod_uses_it(client: Client) -> None:
    storage = {"metadata": {"name": "late"}, "provisioner": "none", "volumeBindingMode": "WaitForFirstConsumer"}
    await client.post("/apis/storage.k8s.io/v1/storageclasses", {**storage, "kind": "StorageClass"})
    spec = {"storageClassName": "late", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = f"{CORE}/persistentvolumeclaims"
    for name in ("data", "unused"):
        await client.post(claims, {"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})
    pod = template()
    pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    await client.post(f"{APPS}/deployments", workload("Deployment", pod=pod))
    await client.until(WEB, counts(readyReplicas=1))
    assert {item["metadata"]["name"]: item["status"]["phase"] for item in await client.items(claims)} == {
        "data": "Bound",
        "unused": "Pending",
    }
