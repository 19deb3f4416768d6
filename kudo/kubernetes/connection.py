"""A connection to a Kubernetes API: its address, credentials, and requests with JSON bodies."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import aiohttp
import yaml
from kubernetes.aio import client, config, stream

from kudo.errors import ApiOutage, ConfigurationError
from kudo.kubernetes.failures import failure
from kudo.model.base import Manifest
from kudo.model.objects import Object

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Query = Mapping[str, str]

_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

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


_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
"""Errors that the library raises for a malformed kubeconfig, which it does not validate."""


class Connection:
    """A connection to a Kubernetes API; an async context manager."""

    def __init__(self, api: client.ApiClient, namespace: str = "default") -> None:
        self._api = api
        self.namespace = namespace
        """The namespace of the kubeconfig's context, or of the pod's service account."""

    @classmethod
    async def open(cls, context: str | None = None, kubeconfig: Path | None = None) -> Self:
        """Connect with a kubeconfig, by default as kubectl does: $KUBECONFIG, ~/.kube/config, or the service account
        of the pod.

        Raises ConfigurationError if there is none, or it is malformed.
        """
        files = str(kubeconfig) if kubeconfig else _kubeconfig()
        try:
            configuration = await _configuration(files, context)
            return cls(client.ApiClient(configuration), _namespace(files, context))
        except (config.ConfigException, yaml.YAMLError, OSError, *_MALFORMED) as error:
            reason = " ".join(str(error).split())
            raise ConfigurationError(f"The kubeconfig {files} cannot be used: {reason}") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.close()

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
        async with self._send(method, path, query or {}, body, content_type, timeout) as response:
            received = _json(await response.read())
            if (delay := response.headers.get("Retry-After", "")).isdecimal():
                received.manifest["details"] = {"retryAfterSeconds": int(delay), **received.child("details").manifest}
            return Answer(response.status, received)

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
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> ApiOutage:
        reason = str(error) or type(error).__name__
        return ApiOutage(f"the Kubernetes API at {self.url} cannot be reached ({reason})")


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


async def _configuration(files: str | None, context: str | None) -> client.Configuration:
    configuration = client.Configuration()
    # A watch holds a connection while it lasts, so a limit would block the requests.
    configuration.connection_pool_maxsize = 0
    if files is not None:
        loader = await config.load_kube_config(files, context, configuration, persist_config=False)
        _keep_fresh(loader, configuration)
    elif "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(configuration)
    else:
        raise ConfigurationError(
            "There is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config exists. "
            "Set KUBECONFIG, or start a sandbox cluster with `kudo dev`."
        )
    return configuration


def _keep_fresh(loader: Any, configuration: client.Configuration) -> None:
    """Renew the token of a credential plugin when it expires. Raises ConfigurationError if it returns none."""
    if "exec" not in (loader._user or {}):
        return
    if not configuration.api_key and not configuration.cert_file:
        command = loader._user["exec"]["command"]
        raise ConfigurationError(f"The credential plugin {command} of the kubeconfig returned no credentials.")

    async def refresh(target: client.Configuration) -> None:
        # A token without an expiry never expires, and to request another one starts a program.
        if hasattr(loader, "exec_plugin_expiry") and await loader.load_from_exec_plugin():
            target.api_key["BearerToken"] = loader.token

    configuration.refresh_api_key_hook = refresh


def _kubeconfig() -> str | None:
    files = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    return files if any(Path(file).is_file() for file in files.split(os.pathsep)) else None


def _namespace(files: str | None, context: str | None) -> str:
    if files is None:
        return _SERVICE_ACCOUNT_NAMESPACE.read_text().strip() if _SERVICE_ACCOUNT_NAMESPACE.is_file() else "default"
    contexts, current = config.list_kube_config_contexts(files)
    chosen = next((item for item in contexts if item["name"] == context), current)
    return str(chosen["context"].get("namespace") or "default")
