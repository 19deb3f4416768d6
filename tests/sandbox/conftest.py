"""A client for the sandbox."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from sandbox_client import Client

from kudo.sandbox import Sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        yield Client(session)
