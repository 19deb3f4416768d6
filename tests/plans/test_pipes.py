"""Pipe tasks: files that a pod creates become Secrets and ConfigMaps that later tasks use."""

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
    pipe,
    pod_of,
    pod_template,
    until_pod_is_gone,
)
from support.plans import NAMESPACE, Content, Installer, apply, dummy, phase, plan, step, write_package
from support.waiting import until
from temporalio.client import Client

from kudo.kubernetes import Cluster
from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox
from kudo.worker import Settings, running

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


def write_pipe_package(installer: Installer, *tasks: Content, templates: Mapping[str, str]) -> Path:
    """Write a package whose deploy plan runs the Pipe task generate, and then the task use."""
    steps = (step("make", "generate"), step("use", "use"))
    plans = {"deploy": plan(phase("main", *steps))}
    return write_package(installer.directory, tasks=list(tasks), plans=plans, templates=templates)


@pytest.mark.usefixtures("worker")
async def test_files_become_artifacts_that_later_tasks_use(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    files.put("/tmp/env", b"# comment\nUSER=kudo\n  EMPTY=\n\nURL=http://x/?a=b \n")
    package = write_pipe_package(
        installer,
        pipe("generate", CERTIFICATE_FILE, ENVIRONMENT_FILE),
        apply("use", "user.yaml"),
        templates={"pod.yaml": pod_template(files), "user.yaml": USER},
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
    await until_pod_is_gone(installer)


@pytest.mark.usefixtures("worker")
async def test_binary_file_is_stored_in_config_map(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    package = write_pipe_package(
        installer,
        pipe("generate", {**CERTIFICATE_FILE, "kind": "ConfigMap"}),
        dummy("use", done=True),
        templates={"pod.yaml": pod_template(files)},
    )
    assert (await (await installer.deploy(package)).outcome()).complete
    config_map = await installer.get("v1", "ConfigMap", SECRET)
    assert config_map
    assert base64.b64decode(config_map.text("binaryData", "tls.crt")) == CERTIFICATE


@pytest.mark.only_on("control-plane", "the pods of the sandbox have their files in an annotation")
@pytest.mark.usefixtures("worker")
async def test_file_contents_are_not_in_history(installer: Installer, client: Client, files: Files) -> None:
    content = b"the-secret-of-the-file"
    files.put("/tmp/tls.crt", content)
    run = await installer.deploy(certificate_package(installer, files))
    assert (await run.outcome()).complete
    secret = await installer.get("v1", "Secret", SECRET)
    assert secret
    assert base64.b64decode(secret.text("data", "tls.crt")) == content
    for workflow in ("default/test", "default/test/main"):
        history = await client.get_workflow_handle(workflow).fetch_history()
        serialized = b"".join(event.SerializeToString() for event in history.events)
        assert b"certificate" in serialized
        assert content not in serialized
        assert base64.b64encode(content) not in serialized


@pytest.mark.only_on("control-plane", "an annotation of the sandbox cannot hold it")
@pytest.mark.usefixtures("worker")
async def test_file_of_maximum_size_is_accepted(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", b"x" * 1024 * 1024)
    assert (await (await installer.deploy(certificate_package(installer, files))).outcome()).complete


@pytest.mark.only_on("control-plane", "an annotation of the sandbox cannot hold it")
@pytest.mark.usefixtures("worker")
async def test_file_above_maximum_size_is_refused(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", b"x" * (1024 * 1024 + 1))
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.failure == "PipeTaskError", outcome
    assert outcome.message == "/tmp/tls.crt has 1048577 bytes; the limit for a file of a Pipe task is 1048576."
    assert await installer.get("v1", "Secret", SECRET) is None
    await until_pod_is_gone(installer)


@pytest.mark.only_on("sandbox", "kwok reports a failed command as one that could not be run")
@pytest.mark.usefixtures("worker")
async def test_missing_file_fails_plan(installer: Installer, files: Files) -> None:
    files.put("/tmp/other", b"")
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.failure == "PipeTaskError", outcome
    reason = "failed: exit code 1: stat: can't stat '/tmp/tls.crt'"
    assert outcome.message == f"`stat -L -c %s /tmp/tls.crt` in Pod default/{POD} {reason}"
    await until_pod_is_gone(installer)


@pytest.mark.usefixtures("worker")
async def test_invalid_env_file_fails_plan_without_printing_line(installer: Installer, files: Files) -> None:
    files.put("/tmp/env", b"GOOD=1\nhunter2 is the password\n")
    package = write_pipe_package(
        installer,
        pipe("generate", ENVIRONMENT_FILE),
        dummy("use", done=True),
        templates={"pod.yaml": pod_template(files)},
    )
    outcome = await (await installer.deploy(package)).outcome()
    # The line may contain a secret, so the message does not contain it.
    assert outcome.message == "/tmp/env:2: the line must have the form NAME=VALUE"
    assert outcome.failure == "PipeTaskError"
    await until_pod_is_gone(installer)


@pytest.mark.usefixtures("worker")
async def test_pod_of_cancelled_plan_is_deleted(installer: Installer, files: Files) -> None:
    run = await installer.deploy(certificate_package(installer, files, rollout="hang"))
    await until(lambda: pod_of(installer))
    await installer.plans.cancel(NAMESPACE, "test", "enough")
    outcome = await run.outcome()
    assert outcome.status.status is ExecutionStatus.CANCELLED
    assert await installer.get("v1", "Secret", SECRET) is None
    await until_pod_is_gone(installer)


@pytest.mark.usefixtures("worker")
async def test_pod_left_by_another_run_is_replaced(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    package = certificate_package(installer, files)
    await installer.install(package)
    labels = {"kudo.dev/instance": "test"}
    metadata: Manifest = {"name": POD, "namespace": "default", "labels": labels}
    leftover = Object.of("v1", "Pod", metadata, spec={"containers": [WAITER]})
    before = await installer.cluster.apply(leftover)
    run = await installer.start()
    assert (await run.outcome()).complete
    found = await pod_of(installer)
    assert found is None or found.uid != before.uid
    assert await installer.get("v1", "Secret", SECRET) is not None


WAITER = {"name": "waiter", "image": "busybox", "command": ["sleep infinity"]}


@pytest.mark.usefixtures("worker")
async def test_duplicate_pipe_key_is_refused(installer: Installer, files: Files) -> None:
    package = write_pipe_package(
        installer,
        pipe("generate", CERTIFICATE_FILE),
        pipe("use", {**ENVIRONMENT_FILE, "key": "certificate"}),
        templates={"pod.yaml": pod_template(files)},
    )
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "InvalidPlan"
    assert outcome.message == (
        "The plan deploy defines the pipe 'certificate' more than once: the task use in main.use uses the key of "
        "an earlier one."
    )


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"containers": [WAITER]}, "it must have no containers, because its init container creates the files"),
        ({"restartPolicy": "Always"}, "its restartPolicy must be OnFailure"),
        ({"initContainers": []}, "it must have exactly one init container"),
        ({"volumes": []}, "it must have exactly one emptyDir volume, which contains the files"),
        ({"volumes": [{"name": "x", "emptyDir": {}}]}, "its init container must mount the volume x"),
        (
            {"initContainers": [{"name": "i", "volumeMounts": [{"name": "shared", "mountPath": "/data"}]}]},
            "the file /tmp/tls.crt must be below /data, where the volume is mounted",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_invalid_pipe_pod_is_refused(installer: Installer, files: Files, spec: Manifest, problem: str) -> None:
    outcome = await (await installer.deploy(certificate_package(installer, files, spec=spec))).outcome()
    assert outcome.failure == "ResourceValidationError"
    assert outcome.message == f"templates/pod.yaml is not a valid pod for the Pipe task generate: {problem}"
    assert await pod_of(installer) is None


async def test_waiting_container_uses_configured_image(
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
async def test_forbidden_exec_fails_plan(installer: Installer, files: Files, sandbox: Sandbox) -> None:
    sandbox.faults.fail(1000, 403, "Forbidden", path_contains="/exec")
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.failure == "AccessDenied"
    await until_pod_is_gone(installer)


@pytest.mark.usefixtures("worker")
async def test_api_errors_during_copy_are_retried(installer: Installer, files: Files, sandbox: Sandbox) -> None:
    sandbox.faults.fail(3, 503, path_contains="/exec")
    outcome = await (await installer.deploy(certificate_package(installer, files))).outcome()
    assert outcome.complete, outcome
    await until_pod_is_gone(installer)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("keys", "words"),
    [(("tls-crt", "tlscrt"), "defines the pipe 'tlscrt' more than once"), (("_",), "has no letter or digit")],
)
async def test_keys_with_conflicting_names_are_refused(
    installer: Installer, files: Files, keys: tuple[str, ...], words: str
) -> None:
    piped = pipe("generate", *({**CERTIFICATE_FILE, "key": key} for key in keys))
    package = write_pipe_package(installer, piped, dummy("use", done=True), templates={"pod.yaml": pod_template(files)})
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "InvalidPlan"
    assert words in outcome.message


@pytest.mark.usefixtures("worker")
async def test_pod_of_another_instance_is_kept(installer: Installer, files: Files) -> None:
    package = certificate_package(installer, files, rollout="hang")
    first = await installer.deploy(package, "te-st")
    before = await until(lambda: pod_of(installer))
    outcome = await (await installer.deploy(package)).outcome()
    assert outcome.failure == "PipeTaskError"
    assert "belongs to the instance te-st" in outcome.message
    after = await pod_of(installer)
    assert after is not None
    assert after.uid == before.uid
    await installer.plans.cancel(NAMESPACE, "te-st", "")
    await first.outcome()


@pytest.mark.usefixtures("worker")
async def test_pod_that_was_made_by_hand_is_not_deleted(installer: Installer, files: Files) -> None:
    files.put("/tmp/tls.crt", CERTIFICATE)
    package = write_pipe_package(
        installer,
        pipe("generate", CERTIFICATE_FILE),
        apply("use", "user.yaml"),
        templates={"pod.yaml": pod_template(files), "user.yaml": USER},
    )
    await installer.install(package)
    spec = {"containers": [{"name": "a", "image": "b"}]}
    theirs = await installer.cluster.create(Object.of("v1", "Pod", {"name": POD, "namespace": NAMESPACE}, spec=spec))
    outcome = await (await installer.start()).outcome()
    assert outcome.failure == "ForeignObject"
    live = await installer.cluster.get(theirs.ref)
    assert live is not None
    assert live.uid == theirs.uid
