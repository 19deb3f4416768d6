"""Workers that get no CPU for some seconds, as in a pod that is throttled."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from support.plans import Installer, dummy, phase, plan, write_package
from temporalio.worker._workflow_instance import _WorkflowInstanceImpl

STALL = 3.0
"""Seconds; the SDK's own limit for a workflow that does not yield is two."""


@pytest.mark.only_on("sandbox")
@pytest.mark.usefixtures("worker")
async def test_workflow_that_stalls_in_the_middle_continues(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK would interrupt the workflow, lose tasks of it, and never be able to evict it."""
    created = 0
    create_task = _WorkflowInstanceImpl.create_task

    def create_task_slowly(self: _WorkflowInstanceImpl, coro: Coroutine[Any, Any, None], **options: Any) -> Any:
        nonlocal created
        created += self._info.workflow_type == "Phase"
        if created == 100:
            created += 1
            time.sleep(STALL)
        return create_task(self, coro, **options)

    monkeypatch.setattr(_WorkflowInstanceImpl, "create_task", create_task_slowly)
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", *((f"step-{n}", ["done"]) for n in range(100)), strategy="parallel"))},
    )
    outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), 60)
    assert outcome.complete
    assert created > 100
    assert "deadlock" not in caplog.text
