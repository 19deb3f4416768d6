"""Waiting for what happens in another process or task."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from kudo.errors import TemporalUnavailable

T = TypeVar("T")

PATIENCE = 100.0
"""Seconds that a test waits for something; far more than it takes, because machines are slow at times."""


async def until(look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE) -> T:
    """Look until there is something to see, and return it."""
    async with asyncio.timeout(patience):
        while not (seen := await _look(look)):
            await asyncio.sleep(0.05)
        return seen


async def _look(look: Callable[[], Awaitable[T | None]]) -> T | None:
    # A worker on a busy machine may take longer to answer a query than a person would wait.
    with suppress(TemporalUnavailable):
        return await look()
    return None
