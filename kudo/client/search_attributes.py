"""The search attributes of plans, which must exist in Temporal before a plan runs."""

import asyncio

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from kudo.client.rpc import unavailable
from kudo.errors import ConfigurationError
from kudo.model.search_attributes import SEARCH_ATTRIBUTES

PATIENCE = 90.0
"""Seconds until added search attributes must be usable; the caches of a server take up to a minute."""


async def require_search_attributes(client: Client) -> None:
    """Create the search attributes if they do not exist: a workflow that uses unknown ones makes no progress.

    Raises ConfigurationError if they do not exist and cannot be created, or TemporalUnavailable.
    """
    if await _exist(client):
        return
    request = AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes=dict.fromkeys(SEARCH_ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise _missing(client, error.message) from None
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _exist(client):
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise _missing(client, "the server does not have them although they were added") from None


async def _exist(client: Client) -> bool:
    # Tested in a query, which needs no other permission than running workflows, and which every server supports.
    query = " AND ".join(f"{name} = ''" for name in SEARCH_ATTRIBUTES)
    try:
        await client.count_workflows(query)
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return False
        raise unavailable(error) from None
    return True


def _missing(client: Client, reason: str) -> ConfigurationError:
    names = " ".join(f"--name {name} --type Keyword" for name in SEARCH_ATTRIBUTES)
    return ConfigurationError(
        f"Temporal's namespace {client.namespace} lacks search attributes, and they cannot be added ({reason}). Add "
        f"them with `temporal operator search-attribute create --namespace {client.namespace} {names}`, or in Temporal "
        "Cloud's settings of the namespace."
    )
