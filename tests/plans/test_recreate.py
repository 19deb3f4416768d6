"""Objects with immutable fields, mainly Jobs, in plans that run again."""

import asyncio

import pytest
from support.objects import NAMESPACE, claim, job, stateful_set
from support.outcomes import events
from support.plans import Content, Installer, apply, phase, plan, write_package
from support.waiting import until

from kudo.client import Outcome
from kudo.model.objects import Object

pytestmark = pytest.mark.usefixtures("worker")

JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ Name }}-job
  annotations: {{ Params.ANNOTATIONS }}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: {{ Params.POLICY }}
      containers:
        - name: main
          image: busybox
          env:
            - name: PASSWORD
              value: swordfish-{{ Params.SIZE }}
"""

STATEFUL_SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ Name }}-db
  annotations: {{ Params.ANNOTATIONS }}
spec:
  replicas: {{ Params.REPLICAS }}
  serviceName: {{ Params.SERVICE }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: {{ Params.RETENTION }}
    whenScaled: Retain
  selector:
    matchLabels:
      app: {{ Params.APP }}
  template:
    metadata:
      labels:
        app: {{ Params.APP }}
    spec:
      containers:
        - name: main
          image: {{ Params.IMAGE }}
  volumeClaimTemplates:
    - metadata:
        name: {{ Params.CLAIM }}
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests:
            storage: {{ Params.SIZE }}
"""

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ Name }}-data
  annotations: {{ Params.ANNOTATIONS }}
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: {{ Params.SIZE }}
"""

ALWAYS, IF_IMMUTABLE = '{"kudo.dev/recreate": "Always"}', '{"kudo.dev/recreate": "IfImmutable"}'

PARAMETERS: list[Content] = [
    {"name": "SIZE", "default": "1Gi"},
    {"name": "APP", "default": "db"},
    {"name": "POLICY", "default": "Never"},
    {"name": "REPLICAS", "default": "1"},
    {"name": "SERVICE", "default": "test-db"},
    {"name": "CLAIM", "default": "data"},
    {"name": "IMAGE", "default": "busybox"},
    {"name": "RETENTION", "default": "Retain"},
    {"name": "ANNOTATIONS", "default": "{}"},
]


async def install(installer: Installer, template: str, annotations: str) -> None:
    package = write_package(
        installer.directory,
        tasks=[apply("it", "it.yaml")],
        plans={"deploy": plan(phase("one", ("a", ["it"])))},
        params=PARAMETERS,
        templates={"it.yaml": template},
    )
    await installer.install(package, ANNOTATIONS=annotations)


async def deploy(installer: Installer, **parameters: str) -> Outcome:
    """Run the plan, with parameters for this run."""
    run = await installer.start(parameters=parameters)
    return await asyncio.wait_for(run.outcome(), 60)


async def until_exists(installer: Installer, item: Object) -> Object:
    return await until(lambda: installer.cluster.get(item.ref))


THE_JOB = job("test-job")
THE_SET = stateful_set("test-db")


async def test_change_of_immutable_job_is_refused(installer: Installer) -> None:
    await install(installer, JOB, "{}")
    assert (await deploy(installer)).complete
    before = await until_exists(installer, THE_JOB)
    outcome = await deploy(installer, SIZE="2Gi")
    assert outcome.failure == "ImmutableField"
    assert outcome.message.endswith(
        'Job.batch "test-job" is invalid: spec.template: field is immutable. The object would have to be deleted '
        "and recreated; a plan does so with the annotation kudo.dev/recreate: IfImmutable."
    )
    assert (await until_exists(installer, THE_JOB)).uid == before.uid


async def test_job_is_recreated_by_every_run(installer: Installer) -> None:
    await install(installer, JOB, ALWAYS)
    assert (await deploy(installer)).complete
    before = await until_exists(installer, THE_JOB)
    assert ("Normal", "ObjectRecreated") not in await events(installer)
    assert (await deploy(installer)).complete
    after = await until_exists(installer, THE_JOB)
    assert after.uid != before.uid
    assert after.integer("status", "succeeded") == 1
    assert ("Normal", "ObjectRecreated") in await events(installer)
    # The pods of the first Job were deleted with it.
    pods = await installer.cluster.list("v1", "Pod", NAMESPACE)
    owners = {owner.text("uid") for pod in pods for owner in pod.children("metadata", "ownerReferences")}
    assert owners == {after.uid}


async def test_job_is_recreated_only_if_changed(installer: Installer) -> None:
    await install(installer, JOB, IF_IMMUTABLE)
    assert (await deploy(installer)).complete
    first = await until_exists(installer, THE_JOB)
    assert (await deploy(installer)).complete
    assert (await until_exists(installer, THE_JOB)).uid == first.uid
    assert (await deploy(installer, SIZE="2Gi")).complete
    assert (await until_exists(installer, THE_JOB)).uid != first.uid


async def deploy_refused_job(installer: Installer, annotations: str, policy: str) -> str:
    """Deploy a Job that the API refuses, check that the existing one is kept, and return the message of the plan."""
    await install(installer, JOB, annotations)
    assert (await deploy(installer)).complete
    before = await until_exists(installer, THE_JOB)
    outcome = await deploy(installer, POLICY=policy, SIZE="2Gi")
    assert outcome.failure == "ResourceValidationError"
    assert "swordfish" not in outcome.message
    assert (await until_exists(installer, THE_JOB)).uid == before.uid
    return outcome.message


@pytest.mark.parametrize("annotations", [ALWAYS, IF_IMMUTABLE])
async def test_job_that_the_api_refuses_is_not_recreated(installer: Installer, annotations: str) -> None:
    assert "restartPolicy" in await deploy_refused_job(installer, annotations, "Always")


@pytest.mark.only_on("control-plane", "the sandbox has no schemas")
@pytest.mark.parametrize("annotations", [ALWAYS, IF_IMMUTABLE])
async def test_job_with_unknown_field_is_not_recreated(installer: Installer, annotations: str) -> None:
    message = await deploy_refused_job(installer, annotations, "Never\n      nodeNaem: one")
    assert "nodeNaem: field not declared in schema" in message


async def test_foreign_job_is_not_recreated(installer: Installer) -> None:
    foreign = await installer.cluster.create(THE_JOB)
    await install(installer, JOB, ALWAYS)
    outcome = await deploy(installer)
    assert outcome.failure == "ForeignObject"
    assert "was not made by this instance" in outcome.message
    assert (await until_exists(installer, THE_JOB)).uid == foreign.uid


async def test_stateful_set_is_recreated_and_keeps_its_pods(installer: Installer) -> None:
    await install(installer, STATEFUL_SET, IF_IMMUTABLE)
    assert (await deploy(installer)).complete
    pod = "test-db-0"
    before, pod_before = await until_exists(installer, THE_SET), await installer.get("v1", "Pod", pod)
    assert (await deploy(installer, SIZE="2Gi")).complete
    after, pod_after = await until_exists(installer, THE_SET), await installer.get("v1", "Pod", pod)
    assert after.uid != before.uid
    assert pod_before is not None
    assert pod_after is not None
    assert pod_after.uid == pod_before.uid


@pytest.mark.parametrize("changed", [{"APP": "other"}, {"SERVICE": "other"}, {"CLAIM": "other"}])
async def test_recreated_stateful_set_replaces_pods_that_do_not_match(
    installer: Installer, changed: dict[str, str]
) -> None:
    await install(installer, STATEFUL_SET, IF_IMMUTABLE)
    assert (await deploy(installer)).complete
    before = await installer.get("v1", "Pod", "test-db-0")
    assert (await deploy(installer, **changed)).complete
    after = await installer.get("v1", "Pod", "test-db-0")
    assert before is not None
    assert after is not None
    assert after.uid != before.uid
    assert after.text("spec", "subdomain") == changed.get("SERVICE", "test-db")
    assert after.labels["app"] == changed.get("APP", "db")


async def test_recreated_stateful_set_rolls_out(installer: Installer) -> None:
    await install(installer, STATEFUL_SET, IF_IMMUTABLE)
    assert (await deploy(installer, REPLICAS="3")).complete
    assert (await deploy(installer, REPLICAS="3", SIZE="2Gi", IMAGE="busybox:2")).complete
    pods = await installer.cluster.list("v1", "Pod", NAMESPACE, "app=db")
    images = [pod.children("spec", "containers")[0].text("image") for pod in pods if not pod.terminating]
    assert images == ["busybox:2"] * 3


async def test_stateful_set_that_deletes_its_claims_is_not_recreated(installer: Installer) -> None:
    await install(installer, STATEFUL_SET, IF_IMMUTABLE)
    assert (await deploy(installer, RETENTION="Delete")).complete
    before = await until_exists(installer, THE_SET)
    outcome = await deploy(installer, RETENTION="Delete", APP="other")
    assert outcome.failure == "ResourceValidationError"
    assert "its claims would be deleted with it" in outcome.message
    assert (await until_exists(installer, THE_SET)).uid == before.uid


STORAGE_CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: test-class
  annotations: {{ Params.ANNOTATIONS }}
provisioner: example.com/{{ Params.APP }}
"""


async def test_cluster_scoped_object_is_not_recreated(installer: Installer) -> None:
    await install(installer, STORAGE_CLASS, ALWAYS)
    assert (await deploy(installer)).complete
    outcome = await deploy(installer)
    assert outcome.failure == "ResourceValidationError"
    assert "it is not namespaced" in outcome.message


async def test_claim_with_recreate_annotation_is_refused(installer: Installer) -> None:
    await install(installer, CLAIM, ALWAYS)
    outcome = await deploy(installer)
    assert outcome.failure == "TaskEnhancementError"
    assert "a PersistentVolumeClaim cannot be recreated, because its contents would be lost" in outcome.message
    assert await installer.cluster.get(claim("test-data").ref) is None


async def test_invalid_recreate_annotation_is_refused(installer: Installer) -> None:
    await install(installer, JOB, '{"kudo.dev/recreate": "yes"}')
    outcome = await deploy(installer)
    assert outcome.failure == "TaskEnhancementError"
    assert "the annotation kudo.dev/recreate must be one of Never, IfImmutable, Always" in outcome.message
