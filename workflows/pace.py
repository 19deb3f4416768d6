"""Spreading large commands over several workflow tasks."""

import asyncio
from datetime import timedelta

from temporalio import workflow

MAX_BYTES = 1_000_000
"""What the commands of one workflow task may have; at 4 MB the server ends the workflow."""


class Pace:
    """Makes those wait who would make the commands of one workflow task too large."""

    def __init__(self) -> None:
        self._bytes = 0
        self._lock = asyncio.Lock()

    async def room_for(self, size: int) -> None:
        """Wait until a command of this size fits in."""
        async with self._lock:
            if self._bytes and self._bytes + size > MAX_BYTES:
                # A timer is the one thing that always ends a workflow task.
                await workflow.sleep(timedelta(milliseconds=1))
                self._bytes = 0
            self._bytes += size
