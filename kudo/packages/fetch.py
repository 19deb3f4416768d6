"""Read a file of a repository over HTTP(S) or from the local file system."""

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kudo.errors import RequestError

TIMEOUT = 60.0
"""Maximum duration of a download, in seconds."""


async def fetch(url: str, limit: int) -> bytes:
    """Return the content of an http, https or file URL, or of a path.

    Raises RequestError if it cannot be read or has more than `limit` bytes.
    """
    scheme = scheme_of(url)
    if scheme in ("http", "https"):
        content = await _download(url, limit)
    elif scheme in ("", "file"):
        content = await asyncio.to_thread(_read, Path(unquote(urlsplit(url).path) if scheme else url), limit)
    else:
        raise RequestError(f"{url} cannot be read: a URL must begin with https://, http:// or file://.")
    if len(content) > limit:
        raise RequestError(f"{url} is larger than {limit // 1024} KiB.")
    return content


def scheme_of(url: str) -> str:
    """Return the scheme of a URL; empty for a path. Raises RequestError for a malformed URL."""
    try:
        return urlsplit(url).scheme
    except ValueError as error:
        raise RequestError(f"{url} is not a valid URL: {error}.") from None


async def _download(url: str, limit: int) -> bytes:
    # Not at the top: most packages are directories, and commands start faster without it.
    import aiohttp

    content = bytearray()
    try:
        async with (
            # `trust_env` uses the proxy of the environment (HTTPS_PROXY, NO_PROXY), as other tools do.
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT), trust_env=True) as session,
            session.get(url) as response,
        ):
            if response.status != 200:
                raise RequestError(f"{url} cannot be read: the server returned {response.status} {response.reason}.")
            async for chunk in response.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > limit:
                    break
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise RequestError(f"{url} cannot be read: {str(error) or 'the download timed out'}.") from None
    return bytes(content)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from None
