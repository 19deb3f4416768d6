"""Getting a file from a repository: over HTTP(S), or from this machine."""

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp

from kudo.errors import RequestError

TIMEOUT = 60.0
"""Seconds that a download may take."""


async def fetch(url: str, limit: int) -> bytes:
    """The content of an http, https or file URL, or of a path. Raises RequestError; also where it exceeds `limit`."""
    scheme = scheme_of(url)
    if scheme in ("http", "https"):
        content = await _download(url, limit)
    elif scheme in ("", "file"):
        content = await asyncio.to_thread(_read, Path(unquote(urlsplit(url).path) if scheme else url), limit)
    else:
        raise RequestError(f"{url} cannot be read: a URL begins with https://, http:// or file://.")
    if len(content) > limit:
        raise RequestError(f"{url} has more than {limit // 1024} KiB.")
    return content


def scheme_of(url: str) -> str:
    """How a URL is read; empty for a path. Raises RequestError for what is no URL."""
    try:
        return urlsplit(url).scheme
    except ValueError as error:
        raise RequestError(f"{url} is no URL: {error}.") from None


async def _download(url: str, limit: int) -> bytes:
    content = bytearray()
    try:
        async with (
            # The proxy that the surroundings name is used, as by all tools.
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT), trust_env=True) as session,
            session.get(url) as answer,
        ):
            if answer.status != 200:
                raise RequestError(f"{url} cannot be read: the server answered {answer.status} {answer.reason}.")
            async for chunk in answer.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > limit:
                    break
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise RequestError(f"{url} cannot be read: {str(error) or 'it took too long'}.") from None
    return bytes(content)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from None
