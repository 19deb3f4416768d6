"""plan status, trigger, history, wait."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kudo.cli.command import command, out
from kudo.cli.dry_run import DryRun, dry_run
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
from kudo.cli.packages import start, started
from kudo.cli.progress import live_tree, styled_status, styled_tree, wait_for
from kudo.cli.session import Session, session
from kudo.client import PastRun
from kudo.errors import KudoError, RequestError
from kudo.instances.active_plan import check_place
from kudo.instances.parameters import check_parameters, require_unchanged
from kudo.instances.resources import find_operator_version, read_instance, read_operator_version
from kudo.instances.triggers import CLEANUP, require_plan
from kudo.model.base import JsonObject
from kudo.model.durations import show_elapsed
from kudo.model.execution import PlanRequest
from kudo.model.status import ExecutionStatus, PlanStatus

app = typer.Typer(no_args_is_help=True, help="Look at plans, and steer them.")

WATCH = 0.5
"""Seconds between two looks with --watch."""


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
    async with session(namespace) as now:
        plans = await _statuses(now, instance)
        if output:
            print_as(output, {"planStatus": {plan.name: plan.to_json() for plan in plans}})
        elif watch:
            await _watch(now, instance)
        else:
            out.print(styled_tree(instance, *plans))


async def _watch(now: Session, instance: str) -> None:
    """Show the plans, with how long each part takes, until none is running."""
    plans = await _statuses(now, instance)
    with live_tree(lambda: styled_tree(instance, *plans, now=datetime.now(UTC))):
        while any(plan.status.running or plan.status is ExecutionStatus.PENDING for plan in plans):
            await asyncio.sleep(WATCH)
            plans = await _statuses(now, instance)


async def _statuses(now: Session, instance: str) -> list[PlanStatus]:
    """What the Instance has recorded of each of its plans, and of the last run what it says itself."""
    recorded = await read_instance(now.cluster, now.namespace, instance)
    version = await find_operator_version(now.cluster, now.namespace, recorded.spec.operator_version.name)
    names = sorted(version.spec.plans) if version else []
    never = {name: PlanStatus(name=name, status=ExecutionStatus.NEVER_RUN) for name in names}
    plans = never | recorded.status.plan_status
    # A run whose workflow was terminated could not record how it ended.
    with suppress(KudoError):
        last = await now.plans.latest(now.namespace, instance)
        current = await last.current()
        known = plans.get(current.name)
        if known is None or known.uid == current.uid or not known.status.terminal or current.status.running:
            plans[current.name] = current
        for plan in plans.values():
            if plan is not current:
                await last.add_children(plan)
    return list(plans.values())


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
    async with session(namespace) as now:
        there = await read_instance(now.cluster, now.namespace, instance)
        version = await read_operator_version(now.cluster, there)
        require_plan(version, name)
        if name == CLEANUP:
            raise RequestError("The plan cleanup runs when the instance is uninstalled, with `kudo uninstall`.")
        given = {**there.spec.parameters, **parameters}
        check_parameters(version.spec.parameters, given)
        require_unchanged(version.spec.parameters, there.spec.parameters, given)
        if place:
            check_place(version, name, place)
        request = PlanRequest(
            namespace=now.namespace, instance=instance, plan=name, parameters=parameters, start_from=place
        )
        if plan_only:
            await dry_run(now.cluster, there, version, request, plan_only)
            return
        await started(await start(now, request), wait, wait_time)


@app.command()
@command
async def history(
    instance: Instance,
    namespace: Namespace = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs.")] = 20,
    output: Output = None,
) -> None:
    """List the runs of the plans of an instance that Temporal remembers, the newest first."""
    async with session(namespace) as now:
        runs = await now.plans.history(now.namespace, instance, limit)
        if output:
            print_as(output, [_as_json(run) for run in runs])
        elif not runs:
            out.print(f"Temporal remembers no run of a plan of the instance {instance} in {now.namespace}.")
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
    async with session(namespace) as now:
        await wait_for(await now.plans.latest(now.namespace, instance), wait_time, fresh=False)
