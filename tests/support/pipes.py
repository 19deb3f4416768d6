"""Pipe tasks, and the pods that make their files."""

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


def generating(files: Files, spec: Manifest | None = None, rollout: str = "") -> str:
    """The template of a pod that makes files below /tmp."""
    container = {"name": "init", "image": "busybox", "command": ["/bin/sh", "-c", "true"]}
    own: Manifest = {
        "volumes": [{"name": "shared", "emptyDir": {}}],
        "initContainers": [{**container, "volumeMounts": [{"name": "shared", "mountPath": "/tmp"}]}],
    }
    annotations = files.annotations | ({"sandbox.kudo.dev/rollout": rollout} if rollout else {})
    pod = Object.of("v1", "Pod", {"annotations": annotations}, spec=own | (spec or {}))
    # What is in the files is no template.
    return "{% raw %}" + yaml.dump(pod.manifest) + "{% endraw %}"


def certificate_package(installer: Installer, files: Files, spec: Manifest | None = None, rollout: str = "") -> Path:
    """A package whose deploy plan has a Secret made of a certificate, and then nothing else to do."""
    templates = {"pod.yaml": generating(files, spec, rollout)}
    plans = {"deploy": plan(phase("main", step("make", "generate"), step("use", "use")))}
    tasks = [pipe("generate", CERTIFICATE_FILE), dummy("use", done=True)]
    return write_package(installer.directory, tasks=tasks, plans=plans, templates=templates)


async def pod_of(installer: Installer) -> Object | None:
    return await installer.get("v1", "Pod", POD)


async def gone(installer: Installer) -> None:
    async def look() -> bool:
        return await pod_of(installer) is None

    await until(look)
