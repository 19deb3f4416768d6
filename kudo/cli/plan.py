"""plan: show, run and control the plans of an Instance."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kudo.cli.command import command, out
from kudo.cli.dry_run import DryRun, print_dry_run
from kudo.cli.instance_argument import of_instance
from kudo.cli.options import (
    AllNamespaces,
    InstanceOption,
    NamespaceOption,
    Output,
    ParameterFiles,
    Parameters,
    StartFrom,
    TableOutput,
    Wait,
    WaitTime,
    read_parameters,
)
from kudo.cli.output import print_as, print_table, table
from kudo.cli.progress import ended, live_tree, report_start, styled_status, styled_tree, wait_for
from kudo.cli.session import open_session, whoami
from kudo.client import PastRun
from kudo.errors import InvalidPlan
from kudo.kubernetes import Cluster
from kudo.model.base import JsonObject
from kudo.model.durations import show_elapsed
from kudo.model.execution import Approval
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.suggestion import did_you_mean
from kudo.model.tree import arranged
from kudo.operations import Session, plan_statuses, waiting_approvals
from kudo.operations import resume as resume_plan
from kudo.operations import retry as retry_plan
from kudo.operations import trigger as trigger_plan
from kudo.operations.trigger import check_trigger

app = typer.Typer(no_args_is_help=True, help="Show, run and control plans.")

WATCH = 0.5
"""Seconds between two reads of the status with --watch."""

Reason = Annotated[str, typer.Option("--reason", help="Reason, shown in the status or the events of the plan.")]
Step = Annotated[
    str, typer.Option("--step", metavar="PHASE.STEP", help="Step to decide on. Default: the only step that waits.")
]
WithoutParameters = Annotated[
    bool,
    typer.Option(
        "--without-parameters", help="Do not read the parameters of the previous run from Temporal; run without them."
    ),
]


@app.command()
@of_instance
@command
async def status(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    plan: Annotated[
        str, typer.Option("--plan", help="Show only this plan. Default: all, the last one in detail.")
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Watch until no plan is running.")] = False,
    output: Output = None,
) -> None:
    """Show the status of the plans of an instance; the one that runs, or ran last, is the last one."""
    if watch and output:
        raise typer.BadParameter("--watch cannot be combined with --output")
    async with open_session(namespace) as session:
        plans = await _statuses(session, instance, plan)
        if output:
            print_as(output, {"planStatus": {plan.name: plan.to_json() for plan in plans}})
        elif watch:
            await _watch(session, instance, plan)
        else:
            out.print(styled_tree(instance, *arranged(plans)))


async def _statuses(session: Session, instance: str, plan: str) -> list[PlanStatus]:
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


async def _watch(session: Session, instance: str, plan: str) -> None:
    """Show the plans with the duration of each part, until none is running."""
    plans = await _statuses(session, instance, plan)
    with live_tree(lambda: styled_tree(instance, *arranged(plans), now=datetime.now(UTC))):
        while any(plan.status.is_running or plan.status is ExecutionStatus.PENDING for plan in plans):
            await asyncio.sleep(WATCH)
            plans = await _statuses(session, instance, plan)


@app.command()
@of_instance
@command
async def trigger(
    instance: InstanceOption,
    name: Annotated[str, typer.Option("--name", help="Name of the plan.")],
    namespace: NamespaceOption = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    place: StartFrom = "",
    dry_run: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Run a plan of an instance; parameters apply to this run only."""
    parameters = read_parameters(parameter, parameter_file)
    async with open_session(namespace) as session:
        if dry_run:
            checked = await check_trigger(session, instance, name, parameters, place)
            await print_dry_run(session.cluster, checked.instance, checked.version, checked.request, dry_run)
            return
        await report_start(await trigger_plan(session, instance, name, parameters, place), wait, wait_time)


@app.command()
@of_instance
@command
async def history(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Maximum number of runs.")] = 20,
    output: TableOutput = None,
) -> None:
    """List the runs of the plans of an instance, newest first, as far as Temporal retains them."""
    async with open_session(namespace) as session:
        runs = await session.plans.history(session.namespace, instance, limit)
        if output in ("json", "yaml"):
            print_as(output, [_as_json(run) for run in runs])
        elif not runs:
            out.print(f"Temporal has no runs of the instance {instance} in the namespace {session.namespace}.")
        else:
            print_table(_history_table(runs, wide=output == "wide"), wide=output == "wide")


def _history_table(runs: list[PastRun], *, wide: bool) -> Table:
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
@of_instance
@command
async def wait_command(instance: InstanceOption, namespace: NamespaceOption = None, wait_time: WaitTime = 300) -> None:
    """Wait until the running plan, or else the last one, has ended; fail if the plan failed."""
    async with open_session(namespace) as session:
        await wait_for(await session.plans.latest(session.namespace, instance), wait_time, fresh=False)


@app.command()
@of_instance
@command
async def cancel(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    reason: Reason = "",
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Cancel the running plan of an instance; applied objects stay."""
    async with open_session(namespace) as session:
        run = await session.plans.cancel(session.namespace, instance, f"cancelled {_signed(reason)}")
        out.print(f"Cancelling plan {run.request.plan}.")
        if wait:
            out.print(styled_tree(instance, (await ended(run, wait_time)).status))


@app.command()
@of_instance
@command
async def pause(instance: InstanceOption, namespace: NamespaceOption = None, reason: Reason = "") -> None:
    """Pause the running plan: running steps finish, and no other step starts until `resume`."""
    async with open_session(namespace) as session:
        run = await session.plans.pause(session.namespace, instance, _signed(reason))
        out.print(f"The plan {run.request.plan} is paused. Resume it with `kudo plan resume {run.request.options}`.")


@app.command()
@of_instance
@command
async def resume(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    reason: Reason = "",
    without_parameters: WithoutParameters = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Resume a paused plan, or rerun the plan that failed or was cancelled without its COMPLETE steps."""
    async with open_session(namespace) as session:
        resumed = await resume_plan(session, instance, _signed(reason), without_parameters=without_parameters)
        await report_start(resumed.run, wait, wait_time, "has resumed" if resumed.was_paused else "has started")


@app.command()
@of_instance
@command
async def retry(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    place: StartFrom = "",
    without_parameters: WithoutParameters = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Rerun the plan that failed or was cancelled, from its beginning or from a phase or step."""
    async with open_session(namespace) as session:
        run = await retry_plan(session, instance, start_from=place, without_parameters=without_parameters)
        await report_start(run, wait, wait_time)


@app.command()
@of_instance
@command
async def approve(
    instance: InstanceOption, namespace: NamespaceOption = None, step: Step = "", reason: Reason = ""
) -> None:
    """Approve a step that waits for approval."""
    await _decide(instance, namespace, step, reason, approved=True)


@app.command()
@command
async def approvals(namespace: NamespaceOption = None, all_namespaces: AllNamespaces = False) -> None:
    """List the steps that wait for approval."""
    async with await Cluster.connect() as cluster:
        namespace = namespace or cluster.namespace
        waiting = await waiting_approvals(cluster, "" if all_namespaces else namespace)
    if not waiting:
        out.print("No step waits for approval" + ("." if all_namespaces else f" in the namespace {namespace}."))
        return
    listed = table("NAMESPACE", "INSTANCE", "PLAN", "STEP", "SINCE")
    for found in waiting:
        since = f"{found.since.astimezone():%Y-%m-%d %H:%M:%S}" if found.since else ""
        listed.add_row(found.namespace, found.instance, found.plan, found.step, since)
    print_table(listed)
    first = waiting[0]
    options = f"--instance {first.instance} --namespace {first.namespace} --step {first.step}"
    out.print(f"Approve a step with `kudo plan approve`, such as `kudo plan approve {options}`.")


@app.command()
@of_instance
@command
async def refuse(
    instance: InstanceOption, namespace: NamespaceOption = None, step: Step = "", reason: Reason = ""
) -> None:
    """Refuse a step that waits for approval, which fails the plan."""
    await _decide(instance, namespace, step, reason, approved=False)


async def _decide(instance: str, namespace: str | None, step: str, reason: str, *, approved: bool) -> None:
    async with open_session(namespace) as session:
        approval = Approval(step=step, by=whoami(), reason=reason)
        run = await session.plans.decide(session.namespace, instance, approval, approved=approved)
        out.print(f"{'Approved' if approved else 'Refused'}: the plan {run.request.plan} of {instance}.")


def _signed(reason: str) -> str:
    return f"by {whoami()}: {reason}" if reason else f"by {whoami()}"
