"""The slots of a worker: tasks that wait for health hold none, so that they keep no other task from starting.

    reserve -> a task is polled and works -> waits for health: its slot is free -> ends

The number of tasks that work is bounded, and, much higher, the number of all tasks, because each needs some memory.
"""

import asyncio
import threading

from temporalio.worker import (
    CustomSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
)

WORKING = 500
"""Tasks that work at a time: render, apply, or delete."""

ALL = 20_000
"""Tasks of one worker that work or wait; 1,000 that wait need some 200 MB."""


class TaskSlots(CustomSlotSupplier):
    """The slots for the activities of a worker. Temporal's SDK may call its methods from other threads."""

    def __init__(self, working: int = WORKING, total: int = ALL) -> None:
        self._working = working
        self._total = total
        self._taken = 0
        self._waiting = 0
        self._lock = threading.Lock()
        self._queue: list[asyncio.Future[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """Wait until a task may start. See `CustomSlotSupplier`."""
        self._loop = asyncio.get_running_loop()
        while True:
            freed: asyncio.Future[None] = self._loop.create_future()
            self._queue.append(freed)
            try:
                if self._take():
                    return SlotPermit()
                await freed
            finally:
                self._queue.remove(freed)

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """Return a slot if a task may start now; see `CustomSlotSupplier`."""
        return SlotPermit() if self._take() else None

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """Do nothing: a slot counts from its reservation on."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """Take back the slot of a task that has ended, or of a poll that got none."""
        with self._lock:
            self._taken -= 1
        self._notify()

    def wait(self) -> None:
        """Give back the slot of a task that waits from now on."""
        with self._lock:
            self._waiting += 1
        self._notify()

    def end_wait(self) -> None:
        """Take the slot of a task again that waited: it works, until it ends."""
        with self._lock:
            self._waiting -= 1

    def _take(self) -> bool:
        with self._lock:
            is_free = self._taken < self._total and self._taken - self._waiting < self._working
            self._taken += is_free
            return is_free

    def _notify(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for freed in self._queue:
            if not freed.done():
                freed.set_result(None)
