"""plan: the plans of an Instance, their runs, and the controls of a running one."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kudo.cli.command import command, out
from kudo.cli.dry_run import DryRun, print_dry_run
from kudo.cli.options import (
    Instance,
    Namespace,
    Output,
    ParameterFiles,
    Parameters,
    StartFrom,
    Wait,
    WaitTime,
    read_parameters,
)
from kudo.cli.output import print_as, print_table, table
from kudo.cli.progress import ended, live_tree, report_start, styled_status, styled_tree, wait_for
from kudo.cli.session import open_session, whoami
from kudo.client import PastRun
from kudo.model.base import JsonObject
from kudo.model.durations import show_elapsed
from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus
from kudo.operations import Session, plan_statuses
from kudo.operations import resume as resume_plan
from kudo.operations import retry as retry_plan
from kudo.operations import trigger as trigger_plan
from kudo.operations.trigger import plan_trigger

app = typer.Typer(no_args_is_help=True, help="Look at plans, and steer them.")

WATCH = 0.5
"""Seconds between two looks with --watch."""

Reason = Annotated[str, typer.Option("--reason", help="Why; shown in the plan's status or events.")]
Step = Annotated[
    str, typer.Option("--step", metavar="PHASE.STEP", help="The step; not needed where only one waits for approval.")
]
WithoutParameters = Annotated[
    bool,
    typer.Option(
        "--without-parameters", help="Leave out parameters that the run had of its own; Temporal is not asked for them."
    ),
]


@app.command()
@command
async def status(
    instance: Instance,
    namespace: Namespace = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until no plan is running.")] = False,
    output: Output = None,
) -> None:
    """Show the status of the plans of an instance."""
    if watch and output:
        raise typer.BadParameter("--watch is for people, and goes without --output")
    async with open_session(namespace) as session:
        plans = await plan_statuses(session, instance)
        if output:
            print_as(output, {"planStatus": {plan.name: plan.to_json() for plan in plans}})
        elif watch:
            await _watch(session, instance)
        else:
            out.print(styled_tree(instance, *plans))


async def _watch(session: Session, instance: str) -> None:
    """Show the plans, with how long each part takes, until none is running."""
    plans = await plan_statuses(session, instance)
    with live_tree(lambda: styled_tree(instance, *plans, now=datetime.now(UTC))):
        while any(plan.status.running or plan.status is ExecutionStatus.PENDING for plan in plans):
            await asyncio.sleep(WATCH)
            plans = await plan_statuses(session, instance)


@app.command()
@command
async def trigger(
    instance: Instance,
    name: Annotated[str, typer.Option("--name", help="Name of the plan.")],
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    place: StartFrom = "",
    plan_only: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Run a plan of an instance; parameters hold for this run alone."""
    parameters = read_parameters(parameter, parameter_file)
    async with open_session(namespace) as session:
        if plan_only:
            checked = await plan_trigger(session, instance, name, parameters, place)
            await print_dry_run(session.cluster, checked.instance, checked.version, checked.request, plan_only)
            return
        await report_start(await trigger_plan(session, instance, name, parameters, place), wait, wait_time)


@app.command()
@command
async def history(
    instance: Instance,
    namespace: Namespace = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs.")] = 20,
    output: Output = None,
) -> None:
    """List the runs of the plans of an instance that Temporal remembers, the newest first."""
    async with open_session(namespace) as session:
        runs = await session.plans.history(session.namespace, instance, limit)
        if output:
            print_as(output, [_as_json(run) for run in runs])
        elif not runs:
            out.print(f"Temporal remembers no run of a plan of the instance {instance} in {session.namespace}.")
        else:
            print_table(_history_table(runs))


def _history_table(runs: list[PastRun]) -> Table:
    listed = table("STARTED", "DURATION", "PLAN", "STATUS", "STARTED BY", "FAILED")
    for run in runs:
        took = show_elapsed((run.completion_time or datetime.now(UTC)) - run.start_time)
        started_at = f"{run.start_time.astimezone():%Y-%m-%d %H:%M:%S}"
        failing = run.failing.partition("\n")[0]
        listed.add_row(started_at, took, run.request.plan, styled_status(run.status), run.started_by, Text(failing))
    return listed


def _as_json(run: PastRun) -> JsonObject:
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


@app.command("wait")
@command
async def wait_command(instance: Instance, namespace: Namespace = None, wait_time: WaitTime = 300) -> None:
    """Wait for the end of the running plan; fails when the plan fails. Without a running plan, of the last one."""
    async with open_session(namespace) as session:
        await wait_for(await session.plans.latest(session.namespace, instance), wait_time, fresh=False)


@app.command()
@command
async def cancel(
    instance: Instance, namespace: Namespace = None, reason: Reason = "", wait: Wait = False, wait_time: WaitTime = 300
) -> None:
    """Cancel the running plan of an instance; what was applied stays."""
    async with open_session(namespace) as session:
        run = await session.plans.cancel(session.namespace, instance, reason or "cancelled with kudo plan cancel")
        out.print(f"The plan {run.request.plan} is asked to stop.")
        if wait:
            out.print(styled_tree(instance, (await ended(run, wait_time)).status))


@app.command()
@command
async def pause(instance: Instance, namespace: Namespace = None, reason: Reason = "") -> None:
    """Start no further step of the running plan; what runs is finished. `resume` lets it go on."""
    async with open_session(namespace) as session:
        run = await session.plans.pause(session.namespace, instance, _signed(reason))
        out.print(f"The plan {run.request.plan} is paused. It goes on with `kudo plan resume --instance {instance}`.")


@app.command()
@command
async def resume(
    instance: Instance,
    namespace: Namespace = None,
    reason: Reason = "",
    without_parameters: WithoutParameters = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Let a paused plan go on; or run one that failed or was cancelled again, without the steps that are COMPLETE."""
    async with open_session(namespace) as session:
        resumed = await resume_plan(session, instance, _signed(reason), without_parameters=without_parameters)
        await report_start(resumed.run, wait, wait_time, "goes on" if resumed.was_paused else "has started")


@app.command()
@command
async def retry(
    instance: Instance,
    namespace: Namespace = None,
    place: StartFrom = "",
    without_parameters: WithoutParameters = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Run the plan that failed or was cancelled again, from the beginning or from a given place."""
    async with open_session(namespace) as session:
        run = await retry_plan(session, instance, start_from=place, without_parameters=without_parameters)
        await report_start(run, wait, wait_time)


@app.command()
@command
async def approve(instance: Instance, namespace: Namespace = None, step: Step = "", reason: Reason = "") -> None:
    """Let a step go on that waits for approval."""
    await _decide(instance, namespace, step, reason, approved=True)


@app.command()
@command
async def refuse(instance: Instance, namespace: Namespace = None, step: Step = "", reason: Reason = "") -> None:
    """End the plan at a step that waits for approval."""
    await _decide(instance, namespace, step, reason, approved=False)


async def _decide(instance: str, namespace: str | None, step: str, reason: str, *, approved: bool) -> None:
    async with open_session(namespace) as session:
        approval = Approval(step=step, by=whoami(), reason=reason)
        run = await session.plans.decide(session.namespace, instance, approval, approved=approved)
        out.print(f"{'Approved' if approved else 'Refused'}: the plan {run.request.plan} of {instance}.")


def _signed(reason: str) -> str:
    return f"by {whoami()}: {reason}" if reason else f"by {whoami()}"
