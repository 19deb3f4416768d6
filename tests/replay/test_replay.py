"""Plans that started before a change of the workflows continue after it."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from kudo.client import TASK_QUEUE
from kudo.plugin import workflow_runner
from kudo.workflows import WORKFLOWS
from kudo.workflows.options import control_queue

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*/*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_history_is_replayed(file: Path) -> None:
    recorded = json.loads(file.read_text())
    history = WorkflowHistory.from_json(recorded["workflowId"], recorded["history"])
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=workflow_runner())
    await replayer.replay_workflow(history)


def test_all_kinds_of_runs_were_recorded() -> None:
    newest = max((file.parent for file in HISTORIES), key=lambda folder: int(folder.name))
    kinds = {file.stem.partition(".")[0] for file in newest.iterdir()}
    assert kinds >= {
        *("success", "parallel", "fatal", "cancelled", "resumed", "invalid"),
        *("exhausted", "timed-out", "paused", "approved", "conditional"),
        *("children", "failing-child", "stopped-child", "piped"),
    }


def test_queues_are_those_of_running_plans() -> None:
    """A replay does not compare the names of queues, but no worker would poll those that a running plan uses."""
    used = {
        event[attributes]["taskQueue"]["name"]
        for file in HISTORIES
        for event in json.loads(file.read_text())["history"]["events"]
        for attributes in (
            "activityTaskScheduledEventAttributes",
            "startChildWorkflowExecutionInitiatedEventAttributes",
            "workflowExecutionStartedEventAttributes",
        )
        if attributes in event
    }
    assert used == {TASK_QUEUE, control_queue(TASK_QUEUE)}
