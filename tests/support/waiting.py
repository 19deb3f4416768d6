"""Waiting for what happens in another process or task."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 40.0
"""Seconds that a test waits for something; far more than it takes, because machines are slow at times."""


async def until(look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE) -> T:
    """Look until there is something to see, and return it."""
    async with asyncio.timeout(patience):
        while not (seen := await look()):
            await asyncio.sleep(0.05)
        return seen
