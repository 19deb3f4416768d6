"""The pod of a Pipe task, and the artifacts created from its files (KUDO's `pkg/engine/task/task_pipe.go`)."""

import base64
import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from kudo.errors import InvalidPlan, PipeTaskError, ResourceValidationError, TaskBuildError
from kudo.manifests.build import render, source_of, task_variables
from kudo.manifests.enhance import enhance
from kudo.model.annotations import PIPE_POD
from kudo.model.base import Manifest
from kudo.model.execution import Metadata, TaskRequest
from kudo.model.objects import Object, ObjectRef
from kudo.model.plans import Plan
from kudo.model.tasks import PipeFile, PipeTask, Task
from kudo.templates import Renderer

WAITER = "waiter"
"""Name of the container that runs while the files are copied out of the pod."""

WAITER_IMAGE = "busybox"
"""Default image of that container; another image must have `sh`, `sleep`, `stat` and `cat` as well."""

_POD = "pipepod"

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def pipe_names(metadata: Metadata, plan: Plan, tasks: Iterable[Task]) -> dict[str, str]:
    """Return the names of the artifacts of a plan's Pipe tasks by key: the variable Pipes of templates.

    Raises InvalidPlan if two have the same key or name, or a key has no letter or digit.
    """
    names: dict[str, str] = {}
    for phase, step, task, key in _keys(plan, tasks):
        name = _name(metadata, phase, step, task, key)
        if key in names or name in names.values():
            raise InvalidPlan(f"The plan {metadata.plan_name} {_duplicate(phase, step, task, key)}.")
        if name.endswith("."):
            raise InvalidPlan(f"The plan {metadata.plan_name} has the pipe {key!r}, whose key has no letter or digit.")
        names[key] = name
    return names


def pipe_problems(plan: Plan, tasks: Iterable[Task]) -> Iterator[str]:
    """Yield a reason for every key that a plan uses more than once; `pipe_names` refuses such a plan."""
    known: set[str] = set()
    for phase, step, task, key in _keys(plan, tasks):
        names = {key, ".".join((phase, step, task, _clean(key)))}
        if names & known:
            yield _duplicate(phase, step, task, key)
        known |= names


def _keys(plan: Plan, tasks: Iterable[Task]) -> Iterator[tuple[str, str, str, str]]:
    """Yield phase, step, task and key of every pipe of a plan."""
    pipes = {task.name: task for task in tasks if isinstance(task, PipeTask)}
    for phase in plan.phases:
        for step in phase.steps:
            for task in (pipes[name] for name in step.tasks if name in pipes):
                for file in task.spec.pipe:
                    yield phase.name, step.name, task.name, file.key


def _duplicate(phase: str, step: str, task: str, key: str) -> str:
    return f"defines the pipe {key!r} more than once: the task {task} in {phase}.{step} uses the key of an earlier one"


def _name(metadata: Metadata, *parts: str) -> str:
    whole = (metadata.instance_name, metadata.plan_name, *parts)
    return ".".join(map(_clean, whole))


def _clean(part: str) -> str:
    return re.sub("[^a-z0-9]+", "", part.lower())


def pipe_task(request: TaskRequest) -> PipeTask:
    """Return the Pipe task of a request. Raises TaskBuildError if it is a task of another kind."""
    if not isinstance(request.task, PipeTask):
        raise TaskBuildError(f"{request.task.name} is not a Pipe task")
    return request.task


def pipe_pod_ref(request: TaskRequest) -> ObjectRef:
    """Return the identity of the pod of a Pipe task."""
    name = _name(request.metadata, request.phase, request.step, request.task.name, _POD)
    return ObjectRef("v1", "Pod", request.metadata.instance_namespace, name)


async def build_pipe_pod(renderer: Renderer, request: TaskRequest, image: str) -> Object:
    """Build the pod whose init container creates the files, and add the waiting container.

    Raises TaskRenderingError, ResourceUnmarshalError and TaskEnhancementError, and ResourceValidationError if the
    template does not define a valid pod for a Pipe task.
    """
    spec = pipe_task(request).spec
    values = task_variables(request)
    sources = {spec.pod: source_of(request, spec.pod)}
    what = f"templates/{spec.pod}"
    objects = await renderer.run(what, render, request.metadata.api_version, sources, values, named=False)
    problems = list(pod_problems(objects, spec.pipe))
    if problems:
        subject = f"{what} is not a valid pod for the Pipe task {request.task.name}"
        raise ResourceValidationError(f"{subject}: {'; '.join(problems)}")
    pod = _with_waiter(objects[0], image)
    pod.manifest["metadata"]["name"] = pipe_pod_ref(request).name
    return enhance(pod, request, namespaced=True)


def _with_waiter(original: Object, image: str) -> Object:
    pod = Object(copy.deepcopy(original.manifest))
    metadata = pod.manifest["metadata"] = pod.child("metadata").manifest
    metadata["annotations"] = {**(metadata.get("annotations") or {}), PIPE_POD: "true"}
    waiter: Manifest = {
        "name": WAITER,
        "image": image,
        "command": ["/bin/sh", "-c"],
        "args": ["sleep infinity"],
        "volumeMounts": [_mount(pod).manifest],
    }
    # A shell that is PID 1 of a container ignores SIGTERM.
    pod.manifest["spec"] |= {"restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 1, "containers": [waiter]}
    return pod


def pod_problems(objects: list[Object], files: Iterable[PipeFile]) -> Iterator[str]:
    """Yield the problems of the pod of a Pipe task."""
    if [(item.api_version, item.kind) for item in objects] != [("v1", "Pod")]:
        yield "it must be exactly one Pod (v1)"
        return
    pod = objects[0]
    if pod.children("spec", "containers"):
        yield "it must have no containers, because its init container creates the files"
    if pod.text("spec", "restartPolicy", default="OnFailure") != "OnFailure":
        yield "its restartPolicy must be OnFailure"
    if len(pod.children("spec", "initContainers")) != 1:
        yield "it must have exactly one init container"
    elif len(_volumes(pod)) != 1:
        yield "it must have exactly one emptyDir volume, which contains the files"
    elif not _mount(pod).text("mountPath"):
        yield f"its init container must mount the volume {_volumes(pod)[0]}"
    else:
        yield from _file_problems(_mount(pod).text("mountPath"), files)


def _file_problems(folder: str, files: Iterable[PipeFile]) -> Iterator[str]:
    for path in (PurePosixPath(file.path) for file in files):
        if not path.is_relative_to(folder) or ".." in path.parts or path == PurePosixPath(folder):
            yield f"the file {path} must be below {folder}, where the volume is mounted"
        elif not _DATA_KEY.fullmatch(path.name):
            yield f"the name of the file {path} must contain only letters, digits, '.', '_' and '-'"


def _volumes(pod: Object) -> list[str]:
    return [volume.text("name") for volume in pod.children("spec", "volumes") if "emptyDir" in volume.manifest]


def _mount(pod: Object) -> Object:
    """Return the mount of the volume in the init container; empty if there is none."""
    mounts = pod.children("spec", "initContainers")[0].children("volumeMounts")
    return next((mount for mount in mounts if mount.text("name") in _volumes(pod)), Object({}))


def artifact(request: TaskRequest, file: PipeFile, content: bytes) -> Object:
    """Return the Secret or ConfigMap with the content of a file. Raises PipeTaskError for a malformed env file."""
    name = request.pipes[file.key]
    data = dict(_variables(file.path, content)) if file.env_file else {PurePosixPath(file.path).name: content}
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    if file.kind == "Secret":
        item = Object.of("v1", "Secret", {"name": name}, type="Opaque", data=encoded)
    elif file.env_file:
        texts = {key: value.decode() for key, value in data.items()}
        item = Object.of("v1", "ConfigMap", {"name": name}, data=texts)
    else:
        item = Object.of("v1", "ConfigMap", {"name": name}, binaryData=encoded)
    return enhance(item, request, namespaced=True)


def _variables(path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the NAME=VALUE lines of a file, by kubectl's rules for --from-env-file.

    Errors do not quote a line, because it may be a secret.
    """
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise PipeTaskError(f"{path}: an env file must be UTF-8 text") from None
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.removesuffix("\r").lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not _VARIABLE.fullmatch(name):
            raise PipeTaskError(f"{path}:{number}: the line must have the form NAME=VALUE")
        yield name, value.encode()
