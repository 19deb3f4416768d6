"""Turns: a bounded number of callers work at a time, and those that wait come in turn by their key."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_Turn = asyncio.Future[None]


class Turns:
    """Turns for callers with keys: however many wait with one key, a caller with another one is next but one."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: OrderedDict[str, deque[_Turn]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Run the body when it is the turn of the caller."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(key)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, key: str) -> None:
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # It was given the turn, and does not use it.
            else:
                self._remove(key, turn)
            raise

    def _remove(self, key: str, turn: _Turn) -> None:
        queue = self._waiting[key]
        queue.remove(turn)
        if not queue:
            del self._waiting[key]

    def _pass_on(self) -> None:
        """Give the turn to the first caller of the key that has waited longest for one."""
        if not self._waiting:
            self._free += 1
            return
        key, queue = self._waiting.popitem(last=False)
        queue.popleft().set_result(None)
        if queue:
            self._waiting[key] = queue
