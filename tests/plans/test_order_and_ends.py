"""The order of objects within a task, and objects that end and are deleted while a plan waits for them."""

import pytest
from support.plans import NAMESPACE, Installer, apply, phase, plan, write_package

from kudo.kubernetes import Cluster
from kudo.model.objects import ObjectRef

pytestmark = pytest.mark.usefixtures("worker")

JOBS = """\
{% for number in range(12) %}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ Name }}-{{ number }}
spec:
  ttlSecondsAfterFinished: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: main, image: busybox, command: [sh, -c, "true"]}
{% endfor %}
"""

POD_AND_ACCOUNT = """\
apiVersion: v1
kind: Pod
metadata: {name: {{ Name }}-pod}
spec:
  serviceAccountName: {{ Name }}-account
  containers: [{name: main, image: busybox}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ Name }}-account}
"""


@pytest.mark.only_on("control-plane", "the sandbox records no events of Jobs")
async def test_jobs_that_are_deleted_when_they_end_run_once(installer: Installer, cluster: Cluster) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("jobs", "jobs.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["jobs"])))},
        templates={"jobs.yaml": JOBS},
    )
    assert (await (await installer.deploy(package)).outcome()).complete
    events = await cluster.list("v1", "Event", NAMESPACE)
    created = [event.text("involvedObject", "name") for event in events if event.text("reason") == "SuccessfulCreate"]
    assert sorted(created) == sorted(f"test-{number}" for number in range(12))


async def test_account_is_applied_before_the_pod_that_uses_it(installer: Installer, cluster: Cluster) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("pod", "pod.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["pod"])))},
        templates={"pod.yaml": POD_AND_ACCOUNT},
    )
    assert (await (await installer.deploy(package)).outcome()).complete
    assert await cluster.get(ObjectRef("v1", "Pod", NAMESPACE, "test-pod")) is not None
