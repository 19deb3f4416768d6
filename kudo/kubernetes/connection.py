"""A connection to a Kubernetes API: its address, credentials, and requests with JSON bodies."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import aiohttp
from kubernetes.aio import client, stream

from kudo.errors import ApiOutage, ConfigurationError
from kudo.kubernetes.credentials import Credentials, PluginFailed
from kudo.kubernetes.failures import failure
from kudo.model.base import Manifest
from kudo.model.objects import Object

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Query = Mapping[str, str]

UNAUTHORIZED = 401
GONE = 410

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml; charset=utf-8"
"""The API reads this body as YAML, which has no pairs of surrogates, so it is sent as UTF-8 (see `_encoded`)."""

TIMEOUT = 30.0
"""Seconds that a request may take, and that a watch may take to connect."""

WATCH_SECONDS = 300
"""Seconds after which the API ends a watch; a watch that is silent for longer has lost its connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The response of the API: the HTTP status and the JSON body."""

    code: int
    body: Object

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300


LOOK = 10.0
"""Seconds between two looks at the files with credentials."""

RENEW = 5.0
"""Seconds between two renewals of credentials that the API refuses."""

KEPT = 3
"""Clients with old credentials that are kept, because watches use them."""


class Connection:
    """A connection to a Kubernetes API; an async context manager."""

    def __init__(self, credentials: Credentials, configuration: client.Configuration, namespace: str) -> None:
        self._credentials = credentials
        self._stamp = credentials.stamp()
        self._looked_at = self._renewed_at = time.monotonic()
        self._api = client.ApiClient(configuration)
        self._replaced: list[client.ApiClient] = []
        self._renewing = asyncio.Lock()
        self.namespace = namespace
        """The namespace of the kubeconfig's context, or of the pod's service account."""

    @classmethod
    async def open(cls, context: str | None = None, kubeconfig: Path | None = None) -> Self:
        """Connect with a kubeconfig, by default as kubectl does: $KUBECONFIG, ~/.kube/config, or the service account
        of the pod.

        Raises ConfigurationError if there is none, or it is malformed.
        """
        credentials = Credentials(context, kubeconfig)
        return cls(credentials, await credentials.load(), credentials.namespace())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for api in (self._api, *self._replaced):
            await api.close()

    @property
    def url(self) -> str:
        """The address of the API."""
        return str(self._api.configuration.host)

    async def request(
        self,
        method: Method,
        path: str,
        *,
        query: Query | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send a request, and return the response whatever its status is. Raises ApiOutage."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        await self._notice_rotation()
        api = self._api
        async with self._send(method, path, query or {}, body, content_type, timeout) as response:
            answer = await _read(response)
        if answer.code == UNAUTHORIZED and await self._renew_after(api):
            async with self._send(method, path, query or {}, body, content_type, timeout) as response:
                answer = await _read(response)
        return answer

    async def text(self, path: str, query: Query) -> str:
        """Return the text at a path, such as a log. Raises ApiOutage, or the error of `failures` if it is refused."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        await self._notice_rotation()
        async with self._send("GET", path, query, None, "application/json", timeout) as response:
            content = await response.read()
            if response.status != 200:
                raise failure(response.status, _json(content), f"reading {path}")
            return content.decode(errors="replace")

    async def _notice_rotation(self) -> None:
        """Read the credentials again if a file of them was replaced; they are looked at now and then."""
        if time.monotonic() - self._looked_at < LOOK:
            return
        self._looked_at = time.monotonic()
        if self._credentials.stamp() != self._stamp:
            # A file may be read while it is written; the present credentials are used until it can be.
            with suppress(ConfigurationError):
                await self._renew()

    async def _renew_after(self, refused: client.ApiClient) -> bool:
        """Read the credentials again because the API refused those of a client; return whether to try again."""
        async with self._renewing:
            if self._api is not refused:
                return True
            if time.monotonic() - self._renewed_at < RENEW:
                return False
            with suppress(ConfigurationError):
                await self._renew()
            return self._api is not refused

    async def _renew(self) -> None:
        self._renewed_at = time.monotonic()
        stamp = self._credentials.stamp()
        configuration = await self._credentials.load()
        # Watches go on with the old client until the API ends them.
        self._replaced.append(self._api)
        self._api, self._stamp = client.ApiClient(configuration), stamp
        if len(self._replaced) > KEPT:
            await self._replaced.pop(0).close()

    async def watch(self, path: str, query: Query) -> AsyncIterator[Object]:
        """Yield the events of a watch until the API ends it; a watch from an expired version ends at once.

        Raises ApiOutage, or the error of `failures` if the API rejects the watch.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=WATCH_SECONDS + TIMEOUT)
        watching = {"watch": "true", **query, "timeoutSeconds": str(WATCH_SECONDS)}
        async with self._send("GET", path, watching, None, "application/json", timeout) as response:
            if response.status == GONE:
                return
            if response.status != 200:
                raise failure(response.status, _json(await response.read()), f"watching {path}")
            async for line in response.content:
                yield _json(line)

    @asynccontextmanager
    async def exchange(self, path: str, query: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket to the API. Raises ApiOutage, or the error of `failures` if the API rejects it."""
        try:
            async with stream.WsApiClient(self._api.configuration, heartbeat=TIMEOUT) as api:
                request = await api.param_serialize("GET", f"{path}?{query}", auth_settings=["BearerToken"])
                answer = await api.call_api(*request, _preload_content=False)
                async with answer.response as socket:
                    yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise failure(error.status, Object({"message": error.message}), f"opening {path}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from None

    @asynccontextmanager
    async def _send(
        self,
        method: Method,
        path: str,
        query: Query,
        body: Manifest | None,
        content_type: str,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            request = await self._api.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=headers,
                body=_encoded(body) if body is not None and content_type == APPLY_PATCH else body,
                auth_settings=["BearerToken"],
            )
            answer = await self._api.call_api(*request, _request_timeout=timeout)
            response: aiohttp.ClientResponse = answer.response
            try:
                yield response
            finally:
                response.release()
        except PluginFailed as error:
            raise ApiOutage(f"the credentials for {self.url} cannot be renewed ({error})") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> ApiOutage:
        reason = str(error) or type(error).__name__
        return ApiOutage(f"the Kubernetes API at {self.url} cannot be reached ({reason})")


async def _read(response: aiohttp.ClientResponse) -> Answer:
    received = _json(await response.read())
    if (delay := response.headers.get("Retry-After", "")).isdecimal():
        received.manifest["details"] = {"retryAfterSeconds": int(delay), **received.child("details").manifest}
    return Answer(response.status, received)


def _encoded(body: Manifest) -> bytes:
    """Return a body as JSON in UTF-8; the library would escape characters, and so write pairs of surrogates."""
    return json.dumps(body, ensure_ascii=False).encode()


def _json(text: bytes) -> Object:
    try:
        value: Any = json.loads(text)
    except ValueError:
        # A proxy may answer with an HTML page, which is of no use in an error.
        value = None
    return Object(value if isinstance(value, dict) else {})
