"""The connection to Temporal."""

import asyncio

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from kudo.client.rpc import translated_errors
from kudo.errors import ConfigurationError, TemporalUnavailable

TASK_QUEUE = "kudo"

CONNECT_TIMEOUT = 10.0
"""Seconds to try to connect."""


async def connect(identity: str | None = None) -> Client:
    """Connect to Temporal by the variables and profiles that the `temporal` command line uses.

    The identity is what histories say of who did something; by default it is this process.

    Raises ConfigurationError for a malformed profile, TemporalUnavailable where nobody answers.
    """
    try:
        settings = ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, KeyError, TypeError, OSError) as error:
        raise ConfigurationError(f"The configuration of Temporal cannot be used: {error}") from None
    address = settings.setdefault("target_host", "localhost:7233")
    try:
        return await asyncio.wait_for(
            Client.connect(**settings, data_converter=pydantic_data_converter, identity=identity), CONNECT_TIMEOUT
        )
    except (RuntimeError, RPCError, TimeoutError, ValueError, OSError) as error:
        raise TemporalUnavailable(
            f"Temporal at {address} cannot be reached ({brief(error)}). "
            "Start it, with `kudo dev` for one of your own, or set TEMPORAL_ADDRESS to where it is."
        ) from None


async def has_worker(client: Client, host: str) -> bool:
    """Whether a worker on this host asked for work in the last minutes. Raises TemporalUnavailable."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    with translated_errors():
        answer = await client.workflow_service.describe_task_queue(request)
    return any(poller.identity.endswith(f"@{host}") for poller in answer.pollers)


def brief(error: BaseException) -> str:
    """An error of the connection in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer in {CONNECT_TIMEOUT:g} s"
    words = str(error)
    return "connection refused" if "refused" in words else words.splitlines()[0][:200]
