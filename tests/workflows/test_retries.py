"""Retries do not lengthen the history, and a task with ever new errors does not flood its plan with signals."""

import model
import pytest
from scripted import scripted_plans, start
from support.waiting import until
from temporalio.client import Client
from temporalio.service import RPCError

RETRIES = 25
"""Retries to wait for; the server starts about one a second, however short the interval is."""


@pytest.mark.parametrize("outcome", ["failing", "flapping"])
async def test_retries_keep_histories_short(client: Client, outcome: model.Outcome) -> None:
    plan = model.Plan("serial", (model.Phase("serial", (model.Step((outcome,)),)),))
    async with scripted_plans(client) as plans:
        run = await start(plans, plan)
        phase = client.get_workflow_handle(f"{run.workflow_id}/phase-0")

        async def is_retried() -> bool:
            try:
                pending = (await phase.describe()).raw_description.pending_activities
            except RPCError:
                return False  # The phase has not started yet.
            return bool(pending) and pending[0].attempt > RETRIES

        await until(is_retried, 120)
        status = await until(run.status)
        assert status.phases[0].steps[0].message.startswith("for now")
        history = await client.get_workflow_handle(run.workflow_id).fetch_history()
        signals = [event for event in history.events if event.HasField("workflow_execution_signaled_event_attributes")]
        assert len(signals) <= {"failing": 8, "flapping": 16}[outcome]
        assert len(history.events) < 250
        assert len((await phase.fetch_history()).events) < 250
        await plans.cancel("default", run.request.instance, "enough")
        await run.outcome()
