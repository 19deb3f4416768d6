"""The connection to Temporal."""

import asyncio
import time
from contextlib import suppress

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError

from kudo.client.rpc import translated_errors
from kudo.errors import ConfigurationError, TemporalUnavailable

TASK_QUEUE = "kudo"

CONNECT_TIMEOUT = 10.0
"""Seconds before a connection attempt fails."""

ROTATION = 30.0
"""Seconds between two looks at the API key and the certificate."""

POLL_SECONDS = 90
"""Seconds after which a worker that has not polled again does not run any more."""


async def connect(identity: str | None = None) -> Client:
    """Connect to Temporal with the variables and profiles that the `temporal` command line uses.

    Histories record `identity` as the author of each request; by default, it is this process. Raises
    ConfigurationError for a malformed profile, TemporalUnavailable if the server does not answer.
    """
    settings = _settings()
    address = settings.setdefault("target_host", "localhost:7233")
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await Client.connect(**settings, data_converter=pydantic_data_converter, identity=identity)
    except (RuntimeError, RPCError, TimeoutError, ValueError, OSError) as error:
        raise TemporalUnavailable(
            f"Temporal at {address} cannot be reached ({brief(error)}). "
            "Start a server, for example with `kudo dev`, or set TEMPORAL_ADDRESS to the address of yours."
        ) from None


def _settings() -> ClientConnectConfig:
    try:
        return ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, KeyError, TypeError, OSError) as error:
        raise ConfigurationError(f"Invalid configuration of Temporal: {error}") from None


class TemporalIdentity:
    """The API key and the certificate with which a process is known to Temporal; both may be replaced while it runs.

    They are read again from the profile or the files that the environment names.
    """

    def __init__(self) -> None:
        self._tls = _settings().get("tls")

    async def replaced(self, client: Client) -> None:
        """Give each new API key to the client; return when the certificate was replaced, which takes a new client."""
        while True:
            await asyncio.sleep(ROTATION)
            # A file may be read while it is written.
            with suppress(ConfigurationError):
                settings = _settings()
                if (key := settings.get("api_key")) and key != client.api_key:
                    client.api_key = key
                if settings.get("tls") != self._tls:
                    return


async def has_worker(client: Client, host: str = "") -> bool:
    """Whether a worker, on this host if one is given, has polled the task queue recently. Raises TemporalUnavailable.

    Temporal remembers the pollers of the last five minutes; one that is alive polls at least every minute.
    """
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    with translated_errors():
        response = await client.workflow_service.describe_task_queue(request)
    oldest = time.time() - POLL_SECONDS
    return any(
        poller.identity.endswith(f"@{host}" if host else "") and poller.last_access_time.seconds > oldest
        for poller in response.pollers
    )


def brief(error: BaseException) -> str:
    """Return a connection error as a short phrase."""
    if isinstance(error, TimeoutError):
        return f"no answer in {CONNECT_TIMEOUT:g} s"
    message = str(error)
    return "connection refused" if "refused" in message else message.splitlines()[0][:200]
