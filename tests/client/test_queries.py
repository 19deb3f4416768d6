"""Queries of plans that a worker fails to answer."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.worker import Worker

from kudo.client.run import QUERIES, query_status
from kudo.errors import TemporalUnavailable
from kudo.model.status import PlanStatus


class FailingHandle:
    """A handle whose first queries fail, which depends on a race between the server and the worker."""

    id = "default/it"

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def query(self, name: str, *, result_type: type[PlanStatus], rpc_timeout: timedelta) -> PlanStatus:
        assert (name, result_type) == ("status", PlanStatus)
        self.failures -= 1
        if self.failures >= 0:
            raise WorkflowQueryFailedError("Nondeterminism error")
        return PlanStatus(name="deploy")


async def query(failures: int) -> PlanStatus:
    return await query_status(cast(WorkflowHandle[object, object], FailingHandle(failures)))


async def test_failed_query_is_repeated() -> None:
    assert (await query(QUERIES - 1)).name == "deploy"


async def test_query_that_always_fails_is_reported() -> None:
    with pytest.raises(TemporalUnavailable, match=r"The worker cannot answer for default/it .*Nondeterminism"):
        await query(QUERIES)


@workflow.defn(name="Plan")
class Other:
    """A workflow of the same name that answers no query."""

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


async def test_worker_of_other_workflows_is_reported(client: Client) -> None:
    queue = str(uuid4())
    async with Worker(client, task_queue=queue, workflows=[Other]):
        handle = await client.start_workflow("Plan", id=queue, task_queue=queue)
        with pytest.raises(TemporalUnavailable, match=f"The worker cannot answer for {queue} "):
            await query_status(handle)
