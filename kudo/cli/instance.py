"""init, install, update, upgrade, uninstall: manage Instances."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from kudo.cli.command import command
from kudo.cli.instance_argument import of_instance
from kudo.cli.options import (
    AppVersion,
    DryRun,
    Form,
    InstanceOption,
    NamespaceOption,
    OperatorVersionOption,
    PackageArgument,
    ParameterFiles,
    Parameters,
    Repository,
    RewriteApiVersions,
    Wait,
    WaitTime,
    read_parameters,
)
from kudo.errors import TimedOut

if TYPE_CHECKING:
    from kudo.instances.change import Change
    from kudo.operations.session import Session
    from kudo.operations.uninstall import UninstallEvent
    from kudo.packages import Bundle


@command
async def init() -> None:
    """Install KUDO's CustomResourceDefinitions in the cluster."""
    from kudo.cli.console import out
    from kudo.instances.crds import install_crds
    from kudo.kubernetes import Cluster

    async with await Cluster.connect() as cluster:
        for crd, outcome in await install_crds(cluster):
            out.print(f"{crd.name} {outcome}")


@command
async def install(
    package: PackageArgument,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Name of the instance. Default: OPERATOR-instance.")
    ] = None,
    namespace: NamespaceOption = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    create_namespace: Annotated[
        bool, typer.Option("--create-namespace", help="Create the namespace if it does not exist.")
    ] = False,
    skip_instance: Annotated[
        bool, typer.Option("--skip-instance", help="Install the package without an instance.")
    ] = False,
    repo: Repository = "",
    operator_version: OperatorVersionOption = "",
    app_version: AppVersion = "",
    rewrite_api_versions: RewriteApiVersions = False,
    dry_run: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Install a package with an instance, and run its deploy plan."""
    from kudo.cli.console import out
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.install import check_install, install_package
    from kudo.operations.install import install as install_instance
    from kudo.packages import PackageResolver

    parameters = read_parameters(parameter, parameter_file)
    if skip_instance and (parameters or wait or dry_run or instance is not None):
        raise typer.BadParameter("--skip-instance cannot be combined with --instance, -p, -P, --wait or --dry-run")
    with PackageResolver(repo) as resolver:
        bundle = await resolver.resolve(package, operator_version, app_version)
    if rewrite_api_versions:
        bundle = bundle.rewriting_api_versions()
    _report_cluster_scoped(bundle)
    version = bundle.package.operator_version_name
    name = f"{bundle.package.operator.name}-instance" if instance is None else instance
    async with open_session(namespace) as session:
        if dry_run:
            await check_install(session, bundle, name, parameters, create_namespace=create_namespace)
            await _dry_run_install(session, bundle, name, parameters, dry_run)
            return
        if skip_instance:
            _report_namespace(
                session, await install_package(session, bundle, instance=name, create_namespace=create_namespace)
            )
            out.print(f"The package {version} was installed.")
            return
        installed = await install_instance(session, bundle, name, parameters, create_namespace=create_namespace)
        _report_namespace(session, installed.namespace_created)
        out.print(f"The instance {name} of {version} was installed in the namespace {session.namespace}.")
        await report_start(installed.run, wait, wait_time)


async def _dry_run_install(
    session: "Session", bundle: "Bundle", name: str, parameters: dict[str, str], form: Form
) -> None:
    from kudo.cli.dry_run import print_dry_run
    from kudo.model.plans import DEPLOY
    from kudo.operations.preview import new_instance

    request = session.request(name, DEPLOY, parameters=parameters)
    await print_dry_run(session.cluster, *new_instance(bundle.package, request), request, form)


def _report_cluster_scoped(bundle: "Bundle") -> None:
    """Print the cluster-scoped kinds of a package, whose objects are outside of the namespace of the instance."""
    from kudo.cli.console import out
    from kudo.manifests.scopes import cluster_scoped_kinds

    kinds = sorted({kind for package in bundle.packages for kind in cluster_scoped_kinds(package)})
    if kinds:
        out.print(f"The package has templates of cluster-scoped objects: {', '.join(kinds)}.")


def _report_namespace(session: "Session", created: bool) -> None:
    from kudo.cli.console import out

    if created:
        out.print(f"The namespace {session.namespace} was created.")


@of_instance
@command
async def update(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    dry_run: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Change parameters of an instance, and run their plan."""
    from kudo.cli.console import out
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.update import check_update
    from kudo.operations.update import update as update_instance

    parameters = read_parameters(parameter, parameter_file)
    if not parameters:
        raise typer.BadParameter("set at least one parameter with -p or -P")
    async with open_session(namespace) as session:
        if dry_run:
            await _dry_run_change(session, await check_update(session, instance, parameters), dry_run)
            return
        changed = await update_instance(session, instance, parameters)
        if changed.run is None:
            out.print(f"No parameter of the instance {instance} changes, so no plan runs.")
            return
        out.print(f"The instance {instance} was updated.")
        if not_applied := ", ".join(changed.change.not_applied):
            plan = changed.run.request.plan
            out.print(f"The plan {plan} does not apply {not_applied}; the next plan that uses it does.")
        await report_start(changed.run, wait, wait_time)


@of_instance
@command
async def upgrade(
    package: PackageArgument,
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    parameter: Parameters = None,
    parameter_file: ParameterFiles = None,
    repo: Repository = "",
    operator_version: OperatorVersionOption = "",
    app_version: AppVersion = "",
    rewrite_api_versions: RewriteApiVersions = False,
    force: Annotated[
        bool, typer.Option("--force", help="Allow the same version with another content, for development.")
    ] = False,
    allow_downgrade: Annotated[bool, typer.Option("--allow-downgrade", help="Allow an older version.")] = False,
    dry_run: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Upgrade an instance to a newer version of its package.

    Runs the plan upgrade, else update, else deploy.
    """
    from kudo.cli.console import out
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.upgrade import check_upgrade
    from kudo.operations.upgrade import upgrade as upgrade_instance
    from kudo.packages import PackageResolver

    parameters = read_parameters(parameter, parameter_file)
    with PackageResolver(repo) as resolver:
        bundle = await resolver.resolve(package, operator_version, app_version)
    if rewrite_api_versions:
        bundle = bundle.rewriting_api_versions()
    async with open_session(namespace) as session:
        if dry_run:
            change = await check_upgrade(
                session, bundle, instance, parameters, force=force, allow_downgrade=allow_downgrade
            )
            await _dry_run_change(session, change, dry_run)
            return
        changed = await upgrade_instance(
            session, bundle, instance, parameters, force=force, allow_downgrade=allow_downgrade
        )
        if changed.run is None:
            out.print(f"The package and the parameters of the instance {instance} are unchanged, so no plan runs.")
            return
        out.print(f"The instance {instance} was upgraded to {bundle.package.operator_version_name}.")
        if dropped := ", ".join(changed.change.dropped):
            out.print(f"The new version does not define {dropped}; their values were removed from the instance.")
        await report_start(changed.run, wait, wait_time)


@of_instance
@command
async def rollback(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    dry_run: DryRun = None,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Undo the last change of an instance, and run the plan.

    Returns to the version and the parameters of the last COMPLETE run before that change.
    """
    from kudo.cli.console import out
    from kudo.cli.progress import report_start
    from kudo.cli.session import open_session
    from kudo.operations.rollback import check_rollback
    from kudo.operations.rollback import rollback as rollback_instance

    async with open_session(namespace) as session:
        if dry_run:
            await _dry_run_change(session, await check_rollback(session, instance), dry_run)
            return
        changed = await rollback_instance(session, instance)
        version = changed.change.version.metadata.name
        if changed.run is None:
            out.print(f"The instance {instance} has the version and the parameters of that run, so no plan runs.")
            return
        out.print(f"The instance {instance} was rolled back to {version} with its earlier parameters.")
        await report_start(changed.run, wait, wait_time)


async def _dry_run_change(session: "Session", change: "Change", form: Form) -> None:
    """Print the changes that the plan of a change would make."""
    from kudo.cli.console import out
    from kudo.cli.dry_run import print_dry_run

    if change.plan is None:
        out.print(f"No parameter of the instance {change.instance.name} changes, so no plan would run.")
        return
    request = session.request(change.instance.name, change.plan)
    await print_dry_run(session.cluster, change.instance_after, change.version, request, form)


@of_instance
@command
async def uninstall(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    skip_cleanup: Annotated[bool, typer.Option("--skip-cleanup", help="Do not run the cleanup plan.")] = False,
    wait_time: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Time limit for the whole command.")] = 300,
) -> None:
    """Delete an instance with everything that it owns.

    Cancels its running plan, and runs the cleanup plans of it and its children first.
    """
    import asyncio

    from kudo.cli.console import out
    from kudo.cli.session import open_session
    from kudo.operations.uninstall import uninstall as uninstall_instance

    async with open_session(namespace) as session:
        try:
            async with (
                asyncio.timeout(wait_time),
                aclosing(uninstall_instance(session, instance, skip_cleanup=skip_cleanup)) as events,
            ):
                async for event in events:
                    await _show_event(event)
        except TimeoutError:
            raise TimedOut(
                f"The instance {instance} was not deleted within {wait_time:g} s. Show its plans with "
                f"`kudo plan status --instance {instance} --namespace {session.namespace}`, or skip the cleanup plan "
                "with --skip-cleanup."
            ) from None
        out.print(f"The instance {instance} was deleted.")


async def _show_event(event: "UninstallEvent") -> None:
    """Show a run that the uninstall waits for, until it ends."""
    from kudo.cli.console import out
    from kudo.cli.progress import show, wait_for
    from kudo.model.plans import CLEANUP
    from kudo.operations.uninstall import CleanupStarted, LeftBehind, PlanCancelled

    match event:
        case PlanCancelled(run=run):
            out.print(f"Cancelling plan {run.request.plan}, which is running.")
            await show(run)
        case CleanupStarted(run=run, was_running=was_running, of_child=of_child):
            of_instance = f" of the instance {run.request.instance}" if of_child else ""
            out.print(f"The plan {CLEANUP}{of_instance} {'is running' if was_running else 'has started'}.")
            await wait_for(run, None)
        case LeftBehind(objects=objects):
            out.print("These cluster-scoped objects of the instance stay, because others may use them:")
            for ref in objects:
                out.print(f"  kubectl delete {ref.qualified_kind.lower()} {ref.name}")
