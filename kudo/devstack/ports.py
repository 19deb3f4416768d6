"""Ports on this machine.

The command line imports this module for its options, so that it imports the rest where it is used.
"""

from dataclasses import dataclass
from typing import Literal

HOST = "127.0.0.1"

_NOT_EPHEMERAL = range(20_000, 32_000)
"""Ports that no system gives to outgoing connections."""

ClusterKind = Literal["sandbox", "control-plane", "current"]


@dataclass(frozen=True)
class Ports:
    """The ports of the parts of a stack."""

    temporal: int = 7233
    ui: int = 8233
    cluster: int = 7443


def is_free(port: int) -> bool:
    """Whether no process listens on a port."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(wanted: int) -> int:
    """Return the wanted port if it is free, or else any free port.

    A port that the system chooses could be taken again before it is used, by any connection or by another stack.
    """
    import secrets

    while not wanted or not is_free(wanted):
        wanted = secrets.choice(_NOT_EPHEMERAL)
    return wanted
