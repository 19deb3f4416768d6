"""plan status, trigger, cancel, resume, retry, wait."""

import asyncio
import json
from contextlib import suppress
from typing import Annotated

import typer
from rich.live import Live

from kudo.cli.options import Instance, Namespace, Output, ParameterFiles, Parameters, Wait, WaitTime, read_parameters
from kudo.cli.packages import started
from kudo.cli.progress import ended, styled_tree, wait_for
from kudo.cli.run import command, out
from kudo.cli.session import Session, session
from kudo.errors import KudoError, RequestError
from kudo.instances.parameters import check_parameters
from kudo.instances.plans import CLEANUP, require_plan
from kudo.instances.resources import find_operator_version, read_instance, read_operator_version
from kudo.model import yaml
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
    async with session(namespace) as now:
        plans = await _statuses(now, instance)
        if output:
            _print(plans, output)
        elif watch:
            await _watch(now, instance)
        else:
            out.print(styled_tree(instance, *plans))


async def _watch(now: Session, instance: str) -> None:
    with Live(console=out, auto_refresh=False, transient=not out.is_terminal) as live:
        while True:
            plans = await _statuses(now, instance)
            live.update(styled_tree(instance, *plans), refresh=True)
            if not any(plan.status.running or plan.status is ExecutionStatus.PENDING for plan in plans):
                break
            await asyncio.sleep(WATCH)
    if not out.is_terminal:
        out.print(styled_tree(instance, *plans))


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
    return list(plans.values())


def _print(plans: list[PlanStatus], output: str) -> None:
    content = {"planStatus": {plan.name: plan.to_json() for plan in plans}}
    text = json.dumps(content, indent=2) if output == "json" else yaml.dump(content).rstrip()
    out.print(text, markup=False)


@app.command()
@command
async def trigger(
    instance: Instance,
    name: Annotated[str, typer.Option("--name", help="Name of the plan.")],
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
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
        check_parameters(version.spec.parameters, {**there.spec.parameters, **parameters})
        request = PlanRequest(namespace=now.namespace, instance=instance, plan=name, parameters=parameters)
        await started(await now.plans.start(request), wait, wait_time)


@app.command()
@command
async def cancel(
    instance: Instance,
    namespace: Namespace = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown in the plan's status.")] = "",
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Cancel the running plan of an instance; what was applied stays."""
    async with session(namespace) as now:
        run = await now.plans.cancel(now.namespace, instance, reason or "cancelled with kudo plan cancel")
        out.print(f"The plan {run.request.plan} is asked to stop.")
        if wait:
            out.print(styled_tree(instance, (await ended(run, wait_time)).status))


@app.command()
@command
async def resume(
    instance: Instance, namespace: Namespace = None, wait: Wait = False, wait_time: WaitTime = 300
) -> None:
    """Run the plan that failed or was cancelled again, without the steps that are COMPLETE."""
    await _again(instance, namespace, wait, wait_time, resume=True)


@app.command()
@command
async def retry(instance: Instance, namespace: Namespace = None, wait: Wait = False, wait_time: WaitTime = 300) -> None:
    """Run the plan that failed or was cancelled again, from the beginning."""
    await _again(instance, namespace, wait, wait_time, resume=False)


async def _again(instance: str, namespace: str | None, wait: bool, wait_time: float, *, resume: bool) -> None:
    async with session(namespace) as now:
        there = await read_instance(now.cluster, now.namespace, instance)
        last = there.status.last
        if last is None or last.status is ExecutionStatus.COMPLETE:
            what = "No plan of it was run yet" if last is None else f"Its last plan, {last.name}, is COMPLETE"
            raise RequestError(f"There is nothing to run again for the instance {instance}. {what}.")
        request = PlanRequest(namespace=now.namespace, instance=instance, plan=last.name, resume=resume)
        await started(await now.plans.start(request), wait, wait_time)


@app.command("wait")
@command
async def wait_command(instance: Instance, namespace: Namespace = None, wait_time: WaitTime = 300) -> None:
    """Wait for the end of the running plan; fails when the plan fails. Without a running plan, of the last one."""
    async with session(namespace) as now:
        await wait_for(await now.plans.latest(now.namespace, instance), wait_time, fresh=False)
