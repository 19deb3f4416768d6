"""Warning events about objects that a plan waits for, such as of pods that a quota or an admission webhook refuses."""

import time
from dataclasses import dataclass

from kudo.errors import KudoError
from kudo.kubernetes.cluster import Cluster
from kudo.model.objects import Object
from kudo.rollout.health.state import condition_text

FIRST = 5.0
"""Seconds of waiting after which the events of an object are read; then the pauses double."""

LONGEST = 60.0
"""Seconds between two reads at most."""


@dataclass(slots=True)
class _Read:
    at: float
    pause: float = FIRST
    reason: str = ""


class WarningEvents:
    """The last Warning event of each of several objects, read now and then while they are not ready."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._reads: dict[str, _Read] = {}

    async def reason(self, about: Object, *, at_once: bool = False) -> str:
        """Return the last Warning event about an object; empty without one, or without permission to read events."""
        now = time.monotonic()
        read = self._reads.setdefault(about.uid, _Read(now + FIRST))
        if about.uid and (at_once or now >= read.at):
            read.pause = min(2 * read.pause, LONGEST)
            read.at = now + read.pause
            read.reason = await self._read(about)
        return read.reason

    async def _read(self, about: Object) -> str:
        try:
            events = await self._cluster.warnings(about)
        except KudoError:
            return ""  # Events only add reasons.
        return condition_text(events[0]) if events else ""
