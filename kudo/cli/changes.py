"""update and upgrade: other parameters, or another version, for an instance."""

import asyncio
from typing import Literal

import typer

from kudo.cli.command import command, out
from kudo.cli.dry_run import DryRun, dry_run
from kudo.cli.options import (
    AppVersion,
    Instance,
    Namespace,
    OperatorVersion,
    Package,
    ParameterFiles,
    Parameters,
    Repository,
    Wait,
    WaitTime,
    read_parameters,
)
from kudo.cli.packages import note_start, started
from kudo.cli.session import Session, session
from kudo.client import Run
from kudo.errors import KudoError
from kudo.instances.change import Change, check_update, check_upgrade, undo_change, write_change
from kudo.instances.install import install_package
from kudo.packages import PackageResolver


@command
async def update(
    instance: Instance,
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    plan_only: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Change parameters of an instance, and run the plan that the change triggers."""
    parameters = read_parameters(parameter, parameter_file)
    if not parameters:
        raise typer.BadParameter("give the parameters to change with -p or -P")
    async with session(namespace) as now:
        change = await check_update(now.cluster, now.namespace, instance, parameters)
        if plan_only:
            await _show(now, change, plan_only)
            return
        await now.plans.require_idle(now.namespace, instance)
        if change.plan is None:
            await write_change(now.cluster, change)
            out.print(f"No value of the instance {instance} changes, so no plan runs.")
            return
        run = await _run(now, change, change.plan)
        out.print(f"The instance {instance} is updated.")
        if change.later:
            out.print(f"{', '.join(change.later)} will be applied by the next plan that uses it, not by {change.plan}.")
        await started(run, wait, wait_time)


@command
async def upgrade(
    package: Package,
    instance: Instance,
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    repo: Repository = "",
    operator_version: OperatorVersion = "",
    app_version: AppVersion = "",
    plan_only: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Bring an instance to a newer version of its package: runs its plan upgrade, else update, else deploy."""
    parameters = read_parameters(parameter, parameter_file)
    with PackageResolver(repo) as finder:
        bundle = await finder.bundle(package, operator_version, app_version)
    async with session(namespace) as now:
        change = await check_upgrade(now.cluster, bundle, now.namespace, instance, parameters)
        if plan_only:
            await _show(now, change, plan_only)
            return
        await now.plans.require_idle(now.namespace, instance)
        await install_package(now.cluster, bundle, now.namespace)
        run = await _run(now, change, str(change.plan))
        out.print(f"The instance {instance} is upgraded to {bundle.package.operator_version_name}.")
        if change.dropped:
            out.print(
                f"The new version does not know {', '.join(change.dropped)}; the values of the instance are gone."
            )
        await started(run, wait, wait_time)


async def _show(now: Session, change: Change, form: Literal["diff", "yaml"]) -> None:
    """Show what the plan of a change would do."""
    if change.plan is None:
        out.print(f"No value of the instance {change.instance} changes, so no plan would run.")
        return
    request = now.request(change.instance, change.plan)
    await dry_run(now.cluster, change.instance_after, change.version, request, form)


async def _run(now: Session, change: Change, plan: str) -> Run:
    """Write a change, and start its plan; without the plan nothing stays changed."""
    await write_change(now.cluster, change)
    try:
        run = await now.plans.start(now.request(change.instance, plan))
    except (KudoError, asyncio.CancelledError):
        # Left as it is, the change would be there without its plan.
        await undo_change(now.cluster, change)
        raise
    # What this change itself has noted is no business of a child's parent.
    await note_start(now, run, of_child=not change.pending)
    return run
