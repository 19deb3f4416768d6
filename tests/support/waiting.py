"""Waits for events in another process or task."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from kudo.errors import TemporalUnavailable

T = TypeVar("T")

PATIENCE = 100.0
"""Seconds that a test waits at most; far more than it takes, because machines are slow at times."""


async def until(look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE) -> T:
    """Call `look` until its result is true, and return the result. Raises TimeoutError after `patience` seconds."""
    async with asyncio.timeout(patience):
        while not (result := await _look(look)):
            await asyncio.sleep(0.05)
        return result


async def _look(look: Callable[[], Awaitable[T | None]]) -> T | None:
    # On a busy machine a worker may answer a query only after its timeout, which is short for the sake of users.
    with suppress(TemporalUnavailable):
        return await look()
    return None
