"""Pipe tasks: files that a pod makes become Secrets and ConfigMaps that later tasks use."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.files import Files
from support.pipes import (
    CERTIFICATE_FILE,
    ENVIRONMENT,
    ENVIRONMENT_FILE,
    POD,
    SECRET,
    certificate_package,
    generating,
    gone,
    pipe,
    pod_of,
)
from support.plans import NAMESPACE, Content, Installer, apply, dummy, phase, plan, step, write_package
from support.waiting import until
from temporalio.client import Client

from kudo.kubernetes import Cluster
from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox
from worker import Settings, running

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\xff\x00 very secret"

USER = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ Name }}-user
data:
  secret: {{ Pipes.certificate }}
  environment: {{ Pipes.environment }}
"""


def write(installer: Installer, *tasks: Content, templates: Mapping[str, str]) -> Path:
    """A package whose deploy plan has a Pipe task called generate, and then a user of its artifacts."""
    steps = (step("make", "generate"), step("use", "use"))
    plans = {"deploy": plan(phase("main", *steps))}
    return write_package(installer.directory, tasks=list(tasks), plans=plans, templates=templates)


@pytest.mark.usefixtures("worker")
async def test_files_become_artifacts_that_later_tasks_use(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    files.put("/tmp/env", b"# comment\nUSER=kudo\n  EMPTY=\n\nURL=http://x/?a=b \n")
    package = write(
        installer,
        pipe("generate", CERTIFICATE_FILE, ENVIRONMENT_FILE),
        apply("use", "user.yaml"),
        templates={"pod.yaml": generating(files), "user.yaml": USER},
    )
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.complete, outcome
    secret = await installer.get("v1", "Secret", SECRET)
    environment = await installer.get("v1", "ConfigMap", ENVIRONMENT)
    user = await installer.get("v1", "ConfigMap", "test-user")
    assert secret
    assert environment
    assert user
    assert base64.b64decode(secret.text("data", "tls.crt")) == CERTIFICATE
    assert environment.strings("data") == {"USER": "kudo", "EMPTY": "", "URL": "http://x/?a=b "}
    assert user.strings("data") == {"secret": SECRET, "environment": ENVIRONMENT}
    for item in (secret, environment):
        assert item.labels["kudo.dev/instance"] == "test"
        assert item.annotations["kudo.dev/step"] == "make"
        assert [owner.text("kind") for owner in item.children("metadata", "ownerReferences")] == ["Instance"]
    await gone(installer)


@pytest.mark.usefixtures("worker")
async def test_a_config_map_holds_any_file(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    package = write(
        installer,
        pipe("generate", {**CERTIFICATE_FILE, "kind": "ConfigMap"}),
        dummy("use", done=True),
        templates={"pod.yaml": generating(files)},
    )
    assert (await (await installer.deploy(package)).outcome()).complete
    made = await installer.get("v1", "ConfigMap", SECRET)
    assert made
    assert base64.b64decode(made.text("binaryData", "tls.crt")) == CERTIFICATE


@pytest.mark.only_on("control-plane", "the pods of the sandbox have their files in an annotation")
@pytest.mark.usefixtures("worker")
async def test_what_is_in_files_is_in_no_history(installer: Installer, client: Client, files: Files) -> None:
    content = b"the-secret-of-the-file"
    files.put("/tmp/tls.crt", content)
    run = await installer.deploy(certificate_package(installer, files))
    assert (await run.outcome()).complete
    made = await installer.get("v1", "Secret", SECRET)
    assert made
    assert base64.b64decode(made.text("data", "tls.crt")) == content
    for workflow in ("default/test", "default/test/main"):
        history = await client.get_workflow_handle(workflow).fetch_history()
        written = b"".join(event.SerializeToString() for event in history.events)
        assert b"certificate" in written
        assert content not in written
        assert base64.b64encode(content) not in written


@pytest.mark.only_on("control-plane", "an annotation of the sandbox cannot hold it")
@pytest.mark.usefixtures("worker")
async def test_a_file_as_large_as_it_may_be(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", b"x" * 1024 * 1024)
    assert (await (await installer.deploy(certificate_package(installer, files))).outcome()).complete


@pytest.mark.only_on("control-plane", "an annotation of the sandbox cannot hold it")
@pytest.mark.usefixtures("worker")
async def test_a_file_that_is_too_large(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", b"x" * (1024 * 1024 + 1))
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.failure == "PipeTaskError", outcome
    assert outcome.message == "/tmp/tls.crt has 1048577 bytes, and a file of a Pipe task may have 1048576."
    assert await installer.get("v1", "Secret", SECRET) is None
    await gone(installer)


@pytest.mark.only_on("sandbox", "kwok says of a command that failed that it could not be run")
@pytest.mark.usefixtures("worker")
async def test_a_file_that_is_not_there(installer: Installer, files: Files) -> None:
    files.put("/tmp/other", b"")
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.failure == "PipeTaskError", outcome
    said = "ended with exit code 1: stat: can't stat '/tmp/tls.crt'"
    assert outcome.message == f"`stat -L -c %s /tmp/tls.crt` in Pod default/{POD} {said}"
    await gone(installer)


@pytest.mark.usefixtures("worker")
async def test_variables_that_are_none(installer: Installer, files: Files) -> None:
    files.put("/tmp/env", b"GOOD=1\nhunter2 is the password\n")
    package = write(
        installer,
        pipe("generate", ENVIRONMENT_FILE),
        dummy("use", done=True),
        templates={"pod.yaml": generating(files)},
    )
    outcome = await (await installer.deploy(package)).outcome()
    # The line may be a secret.
    assert outcome.message == "/tmp/env:2: this is no line of the form NAME=VALUE"
    assert outcome.failure == "PipeTaskError"
    await gone(installer)


@pytest.mark.usefixtures("worker")
async def test_the_pod_of_a_cancelled_plan_goes(installer: Installer, files: Files) -> None:
    run = await installer.deploy(certificate_package(installer, files, rollout="hang"))
    await until(lambda: pod_of(installer))
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    outcome = await run.outcome()
    assert outcome.status.status is ExecutionStatus.CANCELLED
    assert await installer.get("v1", "Secret", SECRET) is None
    await gone(installer)


@pytest.mark.usefixtures("worker")
async def test_a_pod_that_another_run_left_is_not_trusted(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    package = certificate_package(installer, files)
    await installer.install(package)
    left = Object.of("v1", "Pod", {"name": POD, "namespace": "default"}, spec={"containers": [LEFT]})
    before = await installer.cluster.apply(left)
    run = await installer.start()
    assert (await run.outcome()).complete
    found = await pod_of(installer)
    assert found is None or found.uid != before.uid
    assert await installer.get("v1", "Secret", SECRET) is not None


LEFT = {"name": "waiter", "image": "busybox", "command": ["sleep infinity"]}


@pytest.mark.usefixtures("worker")
async def test_the_same_key_twice_is_refused(installer: Installer, files: Files) -> None:
    package = write(
        installer,
        pipe("generate", CERTIFICATE_FILE),
        pipe("use", {**ENVIRONMENT_FILE, "key": "certificate"}),
        templates={"pod.yaml": generating(files)},
    )
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "InvalidPlan"
    assert outcome.message == (
        "The plan deploy makes the pipe 'certificate' more than once: the task use in main.use has the key of one "
        "before it."
    )


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"containers": [LEFT]}, "it must have no containers, because its init container makes the files"),
        ({"restartPolicy": "Always"}, "its restartPolicy must be OnFailure"),
        ({"initContainers": []}, "it must have one init container"),
        ({"volumes": []}, "it must have one emptyDir volume, which the files are in"),
        ({"volumes": [{"name": "x", "emptyDir": {}}]}, "its init container must mount the volume x"),
        (
            {"initContainers": [{"name": "i", "volumeMounts": [{"name": "shared", "mountPath": "/data"}]}]},
            "the file /tmp/tls.crt must be below /data, where the volume is mounted",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_pod_that_cannot_be_used(installer: Installer, files: Files, spec: Manifest, problem: str) -> None:
    outcome = await (await installer.deploy(certificate_package(installer, files, spec=spec))).outcome()
    assert outcome.failure == "ResourceValidationError"
    assert outcome.message == f"templates/pod.yaml is no pod for the Pipe task generate: {problem}"
    assert await pod_of(installer) is None


async def test_the_image_of_the_waiting_container(
    client: Client, cluster: Cluster, installer: Installer, files: Files
) -> None:
    settings = Settings(pipe_image="registry.example.com/tools:1")
    async with running(client, cluster, settings=settings):
        run = await installer.deploy(certificate_package(installer, files, rollout="hang"))
        pod = await until(lambda: pod_of(installer))
        assert [container.text("image") for container in pod.children("spec", "containers")] == [settings.pipe_image]
        assert pod.annotations["kudo.dev/pipepod"] == "true"
        assert pod.text("spec", "restartPolicy") == "OnFailure"
        await installer.plans.cancel(NAMESPACE, "test", "")
        await run.outcome()


@pytest.mark.usefixtures("worker")
async def test_a_worker_that_may_run_no_commands(installer: Installer, files: Files, sandbox: Sandbox) -> None:
    sandbox.faults.fail(1000, 403, "Forbidden", path_contains="/exec")
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.failure == "AccessDenied"
    await gone(installer)


@pytest.mark.usefixtures("worker")
async def test_an_api_that_is_away_while_files_are_copied(installer: Installer, files: Files, sandbox: Sandbox) -> None:
    sandbox.faults.fail(3, 503, path_contains="/exec")
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.complete, outcome
    await gone(installer)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("keys", "words"),
    [(("tls-crt", "tlscrt"), "makes the pipe 'tlscrt' more than once"), (("_",), "without any letter or digit")],
)
async def test_keys_whose_names_are_the_same(
    installer: Installer, files: Files, keys: tuple[str, ...], words: str
) -> None:
    piped = pipe("generate", *({**CERTIFICATE_FILE, "key": key} for key in keys))
    package = write(installer, piped, dummy("use", done=True), templates={"pod.yaml": generating(files)})
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "InvalidPlan"
    assert words in outcome.message


@pytest.mark.usefixtures("worker")
async def test_a_pod_of_another_instance_stays(installer: Installer, files: Files) -> None:
    package = certificate_package(installer, files, rollout="hang")
    first = await installer.deploy(package, "te-st")
    before = await until(lambda: pod_of(installer))
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "PipeTaskError"
    assert "is of the instance te-st" in outcome.message
    after = await pod_of(installer)
    assert after is not None
    assert after.uid == before.uid
    await installer.plans.cancel(NAMESPACE, "te-st", "")
    await first.outcome()
