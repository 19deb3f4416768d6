"""init, install, uninstall."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

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
from kudo.cli.progress import show, wait_for
from kudo.cli.session import Session, session
from kudo.client import Run
from kudo.errors import KudoError, RequestError
from kudo.instances.change import remove_instance
from kudo.instances.crds import install_crds
from kudo.instances.install import check_install, check_package, install_instance, install_package
from kudo.instances.namespace import make_namespace
from kudo.instances.owners import descendants
from kudo.instances.pending_plan import clear_pending_plan
from kudo.instances.preview import new_instance
from kudo.instances.resources import find_operator_version, instance_ref, parse_instance, read_instance
from kudo.instances.triggers import CLEANUP, DEPLOY
from kudo.kubernetes import Cluster
from kudo.model.execution import PlanRequest
from kudo.model.package import Package as PackageContent
from kudo.model.resources import Instance as InstanceResource
from kudo.packages import Bundle, PackageResolver


@command
async def init() -> None:
    """Bring KUDO's resources into the cluster."""
    async with await Cluster.connect() as cluster:
        for definition in await install_crds(cluster):
            out.print(f"{definition.name} is there")


@command
async def install(
    package: Package,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Name of the instance; by default OPERATOR-instance.")
    ] = None,
    namespace: Namespace = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    create_namespace: Annotated[
        bool, typer.Option("--create-namespace", help="Make the namespace if it is not there.")
    ] = False,
    skip_instance: Annotated[bool, typer.Option("--skip-instance", help="Install the package alone.")] = False,
    repo: Repository = "",
    operator_version: OperatorVersion = "",
    app_version: AppVersion = "",
    plan_only: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Install a package, and an instance of it, and run its deploy plan."""
    parameters = read_parameters(parameter, parameter_file)
    if skip_instance and (parameters or wait or plan_only or instance is not None):
        raise typer.BadParameter("--skip-instance goes without --instance, -p, -P, --wait and --dry-run")
    with PackageResolver(repo) as finder:
        bundle = await finder.bundle(package, operator_version, app_version)
    content = bundle.package
    name = f"{content.operator.name}-instance" if instance is None else instance
    async with session(namespace) as now:
        if plan_only:
            where = (now.cluster, bundle, now.namespace, name, parameters)
            await check_install(*where, create_namespace=create_namespace)
            request = now.request(name, DEPLOY).model_copy(update={"parameters": parameters})
            await dry_run(now.cluster, *new_instance(content, request), request, plan_only)
            return
        if skip_instance:
            await check_package(now.cluster, bundle, now.namespace, create_namespace=create_namespace)
            if create_namespace:
                await namespaced(now, content, name, parameters)
            await install_package(now.cluster, bundle, now.namespace)
            out.print(f"The package {content.operator_version_name} is installed.")
            return
        run = await deploy(now, bundle, name, parameters, create_namespace=create_namespace)
        out.print(f"The instance {name} of {content.operator_version_name} is installed in {now.namespace}.")
        await started(run, wait, wait_time)


async def namespaced(now: Session, content: PackageContent, name: str, parameters: Mapping[str, str]) -> None:
    """Make the namespace if it is not there."""
    if await make_namespace(now.cluster, content, now.namespace, name, parameters):
        out.print(f"The namespace {now.namespace} is made.")


async def deploy(
    now: Session,
    bundle: Bundle,
    name: str,
    parameters: Mapping[str, str],
    *,
    create_namespace: bool = False,
) -> Run:
    """Install a package and an instance of it, and start its deploy plan; without the plan no instance stays."""
    await check_install(now.cluster, bundle, now.namespace, name, parameters, create_namespace=create_namespace)
    await now.plans.require_idle(now.namespace, name)
    if create_namespace:
        await namespaced(now, bundle.package, name, parameters)
    await install_package(now.cluster, bundle, now.namespace)
    await install_instance(now.cluster, bundle.package, now.namespace, name, parameters)
    try:
        run = await now.plans.start(now.request(name, DEPLOY))
    except (KudoError, asyncio.CancelledError):
        await now.cluster.delete(instance_ref(now.namespace, name))
        raise
    await note_start(now, run)
    return run


async def start(now: Session, request: PlanRequest) -> Run:
    """Start a plan, and note that it is no longer left to run."""
    run = await now.plans.start(request)
    await note_start(now, run)
    return run


async def note_start(now: Session, run: Run, *, of_child: bool = False) -> None:
    """Note that a plan is no longer left to run; where that fails the next change runs it again, which does no harm.

    That of a child is left to its parent, which waits until it is COMPLETE, unless `of_child`.
    """
    with suppress(KudoError):
        await clear_pending_plan(now.cluster, run.request, of_child=of_child)


@command
async def uninstall(
    instance: Instance,
    namespace: Namespace = None,
    skip_cleanup: Annotated[bool, typer.Option("--skip-cleanup", help="Do not run the cleanup plan.")] = False,
    wait_time: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long it may take.")] = 300,
) -> None:
    """Run the cleanup plan if there is one, and those of its children, then delete the instance and what it owns."""
    async with session(namespace) as now:
        there = await read_instance(now.cluster, now.namespace, instance)
        try:
            async with asyncio.timeout(wait_time):
                await _clean_up(now, there, skip_cleanup)
                # As with KUDO, after the parent's own.
                for child in await descendants(now.cluster, now.namespace, there.metadata.uid):
                    await _clean_up(now, parse_instance(child), skip_cleanup, f" of the instance {child.name}")
                await remove_instance(now.cluster, now.namespace, instance, lambda _: None)
        except TimeoutError:
            raise RequestError(
                f"The instance {instance} is not gone after {wait_time:g} s. `kudo plan status --instance {instance}` "
                "says how far it is; --skip-cleanup leaves the cleanup plan out."
            ) from None
        out.print(f"The instance {instance} is gone.")


async def _clean_up(now: Session, instance: InstanceResource, skip_cleanup: bool, of: str = "") -> None:
    """Stop what runs, and run the plan cleanup if there is one."""
    cleanup = await _cancel_others(now, instance.name, skip_cleanup)
    if not skip_cleanup and await _has_cleanup(now, instance):
        out.print(f"The plan {CLEANUP}{of} {'is running' if cleanup else 'has started'}.")
        await wait_for(cleanup or await now.plans.start(now.request(instance.name, CLEANUP)), None)


async def _cancel_others(now: Session, instance: str, skip_cleanup: bool) -> Run | None:
    """Cancel what runs; a cleanup that runs goes on, and is returned."""
    running = await now.plans.running(now.namespace, instance)
    if running is not None and running.request.plan == CLEANUP and not skip_cleanup:
        return running
    if running is not None:
        out.print(f"The plan {running.request.plan} is running, and is cancelled first.")
        await now.plans.cancel(now.namespace, instance, "the instance is uninstalled")
        await show(running)
    return None


async def _has_cleanup(now: Session, instance: InstanceResource) -> bool:
    """Whether there is a cleanup plan; without its OperatorVersion an instance has none."""
    version = await find_operator_version(now.cluster, now.namespace, instance.spec.operator_version.name)
    return version is not None and CLEANUP in version.spec.plans


async def started(run: Run, wait: bool, wait_time: float, verb: str = "has started") -> None:
    """Say that a plan has started, or what else it did; with `wait`, show it to its end."""
    request = run.request
    out.print(f"The plan {request.plan} {verb}.")
    if wait:
        await wait_for(run, wait_time)
    else:
        where = f"--instance {request.instance} --namespace {request.namespace}"
        out.print(f"See how it goes with `kudo plan status {where}`.")
