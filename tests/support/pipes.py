"""Pipe tasks, and the pods that create their files."""

from pathlib import Path

from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.objects import Object
from support.files import Files
from support.plans import Content, Installer, dummy, phase, plan, step, write_package
from support.waiting import until

POD = "test.deploy.main.make.generate.pipepod"
SECRET = "test.deploy.main.make.generate.certificate"
ENVIRONMENT = "test.deploy.main.make.generate.environment"

CERTIFICATE_FILE: Content = {"file": "/tmp/tls.crt", "kind": "Secret", "key": "certificate"}
ENVIRONMENT_FILE: Content = {"envFile": "/tmp/env", "kind": "ConfigMap", "key": "environment"}


def pipe(name: str = "generate", *files: Content, pod: str = "pod.yaml") -> Content:
    return {"name": name, "kind": "Pipe", "spec": {"pod": pod, "pipe": list(files)}}


def pod_template(files: Files, spec: Manifest | None = None, rollout: str = "") -> str:
    """Return the template of a pod that creates files below /tmp."""
    container = {"name": "init", "image": "busybox", "command": ["/bin/sh", "-c", "true"]}
    defaults: Manifest = {
        "volumes": [{"name": "shared", "emptyDir": {}}],
        "initContainers": [{**container, "volumeMounts": [{"name": "shared", "mountPath": "/tmp"}]}],
    }
    annotations = files.annotations | ({"sandbox.kudo.dev/rollout": rollout} if rollout else {})
    pod = Object.of("v1", "Pod", {"annotations": annotations}, spec=defaults | (spec or {}))
    # The contents of the files must not be rendered.
    return "{% raw %}" + yaml.dump(pod.manifest) + "{% endraw %}"


def certificate_package(installer: Installer, files: Files, spec: Manifest | None = None, rollout: str = "") -> Path:
    """Write a package whose deploy plan creates a Secret from a certificate file, and then runs a Dummy task."""
    templates = {"pod.yaml": pod_template(files, spec, rollout)}
    plans = {"deploy": plan(phase("main", step("make", "generate"), step("use", "use")))}
    tasks = [pipe("generate", CERTIFICATE_FILE), dummy("use", done=True)]
    return write_package(installer.directory, tasks=tasks, plans=plans, templates=templates)


async def pod_of(installer: Installer) -> Object | None:
    return await installer.get("v1", "Pod", POD)


async def until_pod_is_gone(installer: Installer) -> None:
    """Wait until the pod of the Pipe task does not exist."""

    async def is_gone() -> bool:
        return await pod_of(installer) is None

    await until(is_gone)
