"""Commands that are run in a container of a pod, over the API."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.stream import ws_client

from kudo.errors import ClusterUnavailable
from kudo.kubernetes.connection import Connection
from kudo.model.objects import Object

TIMEOUT = 120.0
"""Seconds that a command may take."""

NOT_FOUND = 127
"""The exit status of a command that is not there, as shells have it."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a command."""

    code: int
    """Its exit status."""
    output: bytes
    complaint: str
    """What it wrote to its standard error, or why it could not be started."""


async def execute(connection: Connection, path: str, container: str, command: Sequence[str], limit: int) -> Execution:
    """Run a command until it ends, or until its output exceeds `limit` bytes; `path` is the pod's `exec`.

    Raises ClusterUnavailable where it cannot be run or its end is not heard of, and what `failures` has.
    """
    query = urlencode({"container": container, "stdout": "true", "stderr": "true", "command": command}, doseq=True)
    said: defaultdict[int, bytearray] = defaultdict(bytearray)
    try:
        async with asyncio.timeout(TIMEOUT), connection.exchange(path, query) as socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                    break
                frame = bytes(message.data)
                said[frame[0]] += frame[1:]
                if ws_client.ERROR_CHANNEL in said or len(said[ws_client.STDOUT_CHANNEL]) > limit:
                    break
    except TimeoutError:
        raise ClusterUnavailable(f"{command[0]} in {path} did not end within {TIMEOUT:g} s") from None
    output = bytes(said[ws_client.STDOUT_CHANNEL])
    if len(output) > limit:
        return Execution(0, output, "")
    if ws_client.ERROR_CHANNEL not in said:
        raise ClusterUnavailable(f"the connection to {path} was lost before {command[0]} had ended")
    code, reason = _end(json.loads(said[ws_client.ERROR_CHANNEL]), path)
    return Execution(code, output, reason or said[ws_client.STDERR_CHANNEL].decode(errors="replace").strip())


def _end(answer: object, path: str) -> tuple[int, str]:
    """The exit status, and why the command could not be started."""
    status = Object(answer if isinstance(answer, dict) else {})
    if status.text("status") == "Success":
        return 0, ""
    for cause in status.children("details", "causes"):
        if cause.text("reason") == "ExitCode" and cause.text("message").isdigit():
            return int(cause.text("message")), ""
    message = status.text("message")
    if "executable file not found" in message or "no such file or directory" in message:
        return NOT_FOUND, message
    raise ClusterUnavailable(f"a command could not be run in {path}: {message}")
