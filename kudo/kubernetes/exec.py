"""Run commands in a container of a pod, through the API."""

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
"""The exit status of a command that does not exist, as in shells."""


@dataclass(frozen=True, slots=True)
class Execution:
    """The result of a command."""

    code: int
    """Its exit status."""
    output: bytes
    complaint: str
    """The standard error of the command, or why it could not start."""


async def execute(connection: Connection, path: str, container: str, command: Sequence[str], limit: int) -> Execution:
    """Run a command until it ends, or until its output exceeds `limit` bytes; `path` is the pod's `exec`.

    Raises ClusterUnavailable if it cannot run or its result is not received, and the errors of `failures`.
    """
    query = urlencode({"container": container, "stdout": "true", "stderr": "true", "command": command}, doseq=True)
    channels: defaultdict[int, bytearray] = defaultdict(bytearray)
    try:
        async with asyncio.timeout(TIMEOUT), connection.exchange(path, query) as socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                    break
                frame = bytes(message.data)
                channels[frame[0]] += frame[1:]
                if ws_client.ERROR_CHANNEL in channels or len(channels[ws_client.STDOUT_CHANNEL]) > limit:
                    break
    except TimeoutError:
        raise ClusterUnavailable(f"{command[0]} in {path} did not end within {TIMEOUT:g} s") from None
    output = bytes(channels[ws_client.STDOUT_CHANNEL])
    if len(output) > limit:
        return Execution(0, output, "")
    if ws_client.ERROR_CHANNEL not in channels:
        raise ClusterUnavailable(f"the connection to {path} was lost before {command[0]} had ended")
    code, reason = _end(json.loads(channels[ws_client.ERROR_CHANNEL]), path)
    return Execution(code, output, reason or channels[ws_client.STDERR_CHANNEL].decode(errors="replace").strip())


def _end(answer: object, path: str) -> tuple[int, str]:
    """Return the exit status, and why the command could not start."""
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
