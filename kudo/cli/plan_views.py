"""What `kudo plan status` and `kudo plan history` show."""

import asyncio
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from kudo.cli.output import table
from kudo.cli.progress import live_tree, styled_tree
from kudo.cli.styles import styled_status
from kudo.client import PastRun
from kudo.errors import InvalidPlan
from kudo.model.base import JsonObject
from kudo.model.durations import show_elapsed
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.suggestion import did_you_mean
from kudo.model.tree import arranged
from kudo.operations.session import Session
from kudo.operations.status import plan_statuses

WATCH = 0.5
"""Seconds between two reads of the status with --watch."""


async def statuses(session: Session, instance: str, plan: str) -> list[PlanStatus]:
    """Return the statuses of all plans, or of one. Raises InvalidPlan if there is none of this name."""
    plans = await plan_statuses(session, instance)
    chosen = [status for status in plans if plan in ("", status.name)]
    if not chosen and plan:
        names = [status.name for status in plans]
        raise InvalidPlan(
            f"The instance {instance} has no plan {plan!r}{did_you_mean(plan, names) or '.'} "
            f"Its plans: {', '.join(names) or 'none'}."
        )
    return chosen


async def watch(session: Session, instance: str, plan: str) -> None:
    """Show the plans with the duration of each part, until none is running."""
    plans = await statuses(session, instance, plan)
    with live_tree(lambda: styled_tree(instance, *arranged(plans), now=datetime.now(UTC))):
        while any(plan.status.is_running or plan.status is ExecutionStatus.PENDING for plan in plans):
            await asyncio.sleep(WATCH)
            plans = await statuses(session, instance, plan)


def history_table(runs: list[PastRun], *, wide: bool) -> Table:
    more = ["PARAMETERS", "RUN ID"] if wide else []
    listed = table("STARTED", "DURATION", "PLAN", "STATUS", "STARTED BY", *more, "DETAIL")
    for run in runs:
        took = show_elapsed((run.completion_time or datetime.now(UTC)) - run.start_time)
        started_at = f"{run.start_time.astimezone():%Y-%m-%d %H:%M:%S}"
        detail = run.failing.partition("\n")[0]
        parameters = " ".join(f"{name}={value}" for name, value in run.request.parameters.items())
        cells = [parameters, run.run_id] if wide else []
        row = (started_at, took, run.request.plan, styled_status(run.status), run.started_by)
        listed.add_row(*row, *cells, Text(detail))
    return listed


def as_json(run: PastRun) -> JsonObject:
    content: JsonObject = {
        "plan": run.request.plan,
        "runId": run.run_id,
        "startTime": run.start_time.isoformat(),
        "completionTime": run.completion_time.isoformat() if run.completion_time else None,
        "startedBy": run.started_by,
        "status": run.status,
        "failing": run.failing,
        "parameters": {**run.request.parameters},
        "resume": run.request.resume,
        "startFrom": run.request.start_from,
    }
    return {name: value for name, value in content.items() if value not in (None, "", {}, False)}
