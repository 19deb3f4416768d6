"""init, install, update, uninstall."""

from pathlib import Path
from typing import Annotated

import typer

from kudo.cli.options import Instance, Namespace, ParameterFiles, Parameters, Wait, WaitTime, read_parameters
from kudo.cli.progress import show, wait_for
from kudo.cli.run import command, out
from kudo.cli.session import Session, session
from kudo.cluster import Cluster
from kudo.instances.change import check_update, remove_instance, update_instance
from kudo.instances.definitions import install_definitions
from kudo.instances.install import check_install, install_instance, install_package
from kudo.instances.plans import CLEANUP, DEPLOY
from kudo.instances.resources import read_instance, read_operator_version
from kudo.model.execution import PlanRequest
from kudo.packages import read_package


@command
async def init() -> None:
    """Bring KUDO's resources into the cluster."""
    async with await Cluster.connect() as cluster:
        for definition in await install_definitions(cluster):
            out.print(f"{definition.name} is there")


@command
async def install(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help="Directory or .tgz of the package.")],
    instance: Annotated[
        str | None, typer.Option("--instance", help="Name of the instance; by default OPERATOR-instance.")
    ] = None,
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    skip_instance: Annotated[bool, typer.Option("--skip-instance", help="Install the package alone.")] = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Install a package, and an instance of it, and run its deploy plan."""
    parameters = read_parameters(parameter, parameter_file)
    content = read_package(package)
    name = instance or f"{content.operator.name}-instance"
    async with session(namespace) as now:
        if skip_instance:
            await install_package(now.cluster, content, now.namespace)
            out.print(f"The package {content.operator_version_name} is installed.")
            return
        await check_install(now.cluster, content, now.namespace, name, parameters)
        await now.plans.require_idle(now.namespace, name)
        await install_package(now.cluster, content, now.namespace)
        await install_instance(now.cluster, content, now.namespace, name, parameters)
        out.print(f"The instance {name} of {content.operator_version_name} is installed in {now.namespace}.")
        await start(now, now.request(name, DEPLOY), wait, wait_time)


@command
async def update(
    instance: Instance,
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Change parameters of an instance, and run the plan that the change triggers."""
    parameters = read_parameters(parameter, parameter_file)
    if not parameters:
        raise typer.BadParameter("give the parameters to change with -p or -P")
    async with session(namespace) as now:
        change = await check_update(now.cluster, now.namespace, instance, parameters)
        await now.plans.require_idle(now.namespace, instance)
        await update_instance(now.cluster, change)
        if change.plan is None:
            out.print(f"No value of the instance {instance} changes, so no plan runs.")
            return
        out.print(f"The instance {instance} is updated.")
        await start(now, now.request(instance, change.plan), wait, wait_time)


@command
async def uninstall(
    instance: Instance,
    namespace: Namespace = None,
    wait_time: WaitTime = 300,
) -> None:
    """Run the cleanup plan if there is one, then delete the instance and what it owns."""
    async with session(namespace) as now:
        there = await read_instance(now.cluster, now.namespace, instance)
        await _stop_running(now, instance)
        version = await read_operator_version(now.cluster, there)
        if CLEANUP in version.spec.plans:
            await start(now, now.request(instance, CLEANUP), True, wait_time)
        await remove_instance(now.cluster, now.namespace, instance, lambda _: None)
        out.print(f"The instance {instance} is gone.")


async def _stop_running(now: Session, instance: str) -> None:
    running = await now.plans.running(now.namespace, instance)
    if running is not None:
        out.print(f"The plan {running.request.plan} is running, and is cancelled first.")
        await now.plans.cancel(now.namespace, instance, "the instance is uninstalled")
        await show(running)


async def start(now: Session, request: PlanRequest, wait: bool, wait_time: float) -> None:
    """Start a plan and say so; with `wait`, show it to its end."""
    run = await now.plans.start(request)
    out.print(f"The plan {request.plan} has started.")
    if wait:
        await wait_for(run, wait_time)
        out.print(f"The plan {request.plan} is COMPLETE.")
    else:
        where = f"--instance {request.instance} --namespace {request.namespace}"
        out.print(f"See how it goes with `kudo plan status {where}`.")
