"""Ports on this machine."""

import socket
from dataclasses import dataclass
from typing import Literal

HOST = "127.0.0.1"

ClusterKind = Literal["sandbox", "control-plane", "current"]


@dataclass(frozen=True)
class Ports:
    """The ports of the parts of a stack."""

    temporal: int = 7233
    ui: int = 8233
    cluster: int = 7443


def is_free(port: int) -> bool:
    """Whether no process listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(wanted: int) -> int:
    """Return the wanted port if it is free, or else any free port."""
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
