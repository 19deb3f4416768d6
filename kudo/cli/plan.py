"""plan: show, run and control the plans of an Instance."""

from typing import Annotated

import typer

from kudo.cli.command import command
from kudo.cli.instance_argument import of_instance
from kudo.cli.options import (
    AllNamespaces,
    DryRun,
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

app = typer.Typer(no_args_is_help=True, help="Show, run and control plans.")

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
    """Show the status of the plans of an instance.

    The one that runs, or ran last, is the last one.
    """
    from kudo.cli import plan_views
    from kudo.cli.console import out
    from kudo.cli.output import print_as
    from kudo.cli.progress import styled_tree
    from kudo.cli.session import open_session
    from kudo.model.tree import arranged

    if watch and output:
        raise typer.BadParameter("--watch cannot be combined with --output")
    async with open_session(namespace) as session:
        plans = await plan_views.statuses(session, instance, plan)
        if output:
            print_as(output, {"planStatus": {plan.name: plan.to_json() for plan in plans}})
        elif watch:
            await plan_views.watch(session, instance, plan)
        else:
            out.print(styled_tree(instance, *arranged(plans)))


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
    from kudo.cli.dry_run import print_dry_run
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.trigger import check_trigger
    from kudo.operations.trigger import trigger as trigger_plan

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
    """List the runs of the plans of an instance, newest first.

    Temporal deletes old runs after its retention period.
    """
    from kudo.cli import plan_views
    from kudo.cli.console import out
    from kudo.cli.output import print_as, print_table
    from kudo.cli.session import open_session

    async with open_session(namespace) as session:
        runs = await session.plans.history(session.namespace, instance, limit)
        if output in ("json", "yaml"):
            print_as(output, [plan_views.as_json(run) for run in runs])
        elif not runs:
            out.print(f"Temporal has no runs of the instance {instance} in the namespace {session.namespace}.")
        else:
            print_table(plan_views.history_table(runs, wide=output == "wide"), wide=output == "wide")
            if link := session.plans.link(session.namespace, instance):
                out.print(f"Web UI: {link}")


@app.command("wait")
@of_instance
@command
async def wait_command(instance: InstanceOption, namespace: NamespaceOption = None, wait_time: WaitTime = 300) -> None:
    """Wait until the running plan has ended.

    Fails if the plan failed; if none runs, that is the last one.
    """
    from kudo.cli.progress import wait_for
    from kudo.cli.session import open_session

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
    from kudo.cli.console import out
    from kudo.cli.progress import ended, styled_tree
    from kudo.cli.session import open_session

    async with open_session(namespace) as session:
        run = await session.plans.cancel(session.namespace, instance, f"cancelled {_signed(reason)}")
        out.print(f"Cancelling plan {run.request.plan}.")
        if wait:
            out.print(styled_tree(instance, (await ended(run, wait_time)).status))


@app.command()
@of_instance
@command
async def pause(instance: InstanceOption, namespace: NamespaceOption = None, reason: Reason = "") -> None:
    """Pause the running plan.

    Running steps finish, and no other step starts until `resume`.
    """
    from kudo.cli.console import out
    from kudo.cli.session import open_session

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
    """Resume a paused plan, or one that failed or was cancelled.

    A plan that failed or was cancelled runs again, without its COMPLETE steps.
    """
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.retry import resume as resume_plan

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
    """Rerun the plan that failed or was cancelled.

    Runs it from its beginning, or from a phase or step.
    """
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.retry import retry as retry_plan

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
    from kudo.cli.console import out
    from kudo.cli.output import print_table, table
    from kudo.kubernetes import Cluster
    from kudo.operations.approvals import waiting_approvals

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
    from kudo.cli.console import out
    from kudo.cli.session import open_session, whoami
    from kudo.model.execution import Approval

    async with open_session(namespace) as session:
        approval = Approval(step=step, by=whoami(), reason=reason)
        run = await session.plans.decide(session.namespace, instance, approval, approved=approved)
        out.print(f"{'Approved' if approved else 'Refused'}: the plan {run.request.plan} of {instance}.")


def _signed(reason: str) -> str:
    from kudo.cli.session import whoami

    return f"by {whoami()}: {reason}" if reason else f"by {whoami()}"
