"""The subresource `exec` of pods, which reads files with `stat` and `cat`; the sandbox runs no other commands.

The annotation `sandbox.kudo.dev/files` of a pod contains the files, as YAML that maps paths to contents. Without it,
every file below a volume of the container exists, with the content SANDBOX=PATH.
"""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import yaml
from aiohttp import web

from kudo.sandbox.objects import Object, dig, name_of
from kudo.sandbox.status import ApiError, bad_request

FILES = "sandbox.kudo.dev/files"

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _STDERR, _STATUS = b"\x01", b"\x02", b"\x03"
_FRAME = 32 * 1024


async def serve(request: web.Request, pod: Object) -> web.StreamResponse:
    """Run the command of an `exec` request.

    Raises ApiError if the container does not run or does not exist, the annotation is malformed, or the request is not
    one for a WebSocket.
    """
    container = _container(pod, request.query.get("container", ""))
    command = request.query.getall("command", [])
    code, stdout, stderr = _run(_files(pod, container), command)
    socket = web.WebSocketResponse(protocols=_PROTOCOLS)
    if not socket.can_prepare(request):
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr over a WebSocket")
    await socket.prepare(request)
    for start in range(0, len(stdout), _FRAME):
        await socket.send_bytes(_STDOUT + stdout[start : start + _FRAME])
    if stderr:
        await socket.send_bytes(_STDERR + stderr.encode())
    await socket.send_bytes(_STATUS + json.dumps(_ended(command, code)).encode())
    await socket.close()
    return socket


def _container(pod: Object, name: str) -> Object:
    phase = dig(pod, "status", "phase", default="Pending")
    if phase in ("Succeeded", "Failed"):
        raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    containers: list[Object] = pod["spec"]["containers"]
    found = next((item for item in containers if item["name"] == name), containers[0] if not name else None)
    if found is None:
        raise bad_request(f"container {name} is not valid for pod {name_of(pod)}")
    states = dig(pod, "status", "containerStatuses", default=[])
    if not any(item["name"] == found["name"] and dig(item, "state", "running") for item in states):
        text = f'unable to upgrade connection: container not found ("{found["name"]}")'
        raise ApiError(500, "InternalError", f"Internal error occurred: {text}")
    return found


class _Files:
    """The files of a container."""

    def __init__(self, known: dict[str, bytes] | None, mounts: list[str]) -> None:
        self._known = known
        self._mounts = mounts

    def get(self, path: str) -> bytes | None:
        if self._known is not None:
            return self._known.get(path)
        below = any(PurePosixPath(path).is_relative_to(mount) for mount in self._mounts)
        return f"SANDBOX={path}\n".encode() if below else None


def _files(pod: Object, container: Object) -> _Files:
    mounts = [mount["mountPath"] for mount in container.get("volumeMounts") or ()]
    annotation = dig(pod, "metadata", "annotations", FILES)
    if annotation is None:
        return _Files(None, mounts)
    try:
        known = dict(yaml.safe_load(annotation))
    except (yaml.YAMLError, TypeError, ValueError):
        raise bad_request(f"the annotation {FILES} must map paths to contents") from None
    return _Files({path: _bytes(content) for path, content in known.items()}, mounts)


def _bytes(content: object) -> bytes:
    return content if isinstance(content, bytes) else str(content).encode()


def _run(files: _Files, command: Sequence[str]) -> tuple[int | None, bytes, str]:
    """Return the exit status of a command, None if it does not exist, and its stdout and stderr."""
    match command:
        case ["cat", path]:
            content = files.get(path)
            return (1, b"", f"cat: can't open '{path}'") if content is None else (0, content, "")
        case ["stat", "-L", "-c", "%s", path]:
            content = files.get(path)
            return (1, b"", f"stat: can't stat '{path}'") if content is None else (0, f"{len(content)}\n".encode(), "")
    return None, b"", ""


def _ended(command: Sequence[str], code: int | None) -> Object:
    """Return the `Status` with which a command ends."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    if code is None:
        name = command[0] if command else ""
        text = f'exec: "{name}": executable file not found in $PATH: the sandbox has only cat and stat'
        return {"metadata": {}, "status": "Failure", "reason": "InternalError", "message": text, "code": 500}
    cause = {"reason": "ExitCode", "message": str(code)}
    text = f"command terminated with non-zero exit code: exit status {code}"
    failure = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": text}
    return failure | {"details": {"causes": [cause]}}
