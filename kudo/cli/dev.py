"""dev, demo and worker: run the whole stack, or a worker, on this machine."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from kudo.cli.command import command
from kudo.cli.options import PackageArgument
from kudo.devstack.ports import ClusterKind, Ports, free_port
from kudo.errors import TemporalUnavailable

NAMESPACE = "default"

Rollout = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Duration of a simulated rollout.")]


@command
async def dev(
    temporal_port: Annotated[int, typer.Option(help="Port of the Temporal server.")] = Ports.temporal,
    ui_port: Annotated[int, typer.Option(help="Port of Temporal's Web UI.")] = Ports.ui,
    cluster_port: Annotated[int, typer.Option(help="Port of the Kubernetes API.")] = Ports.cluster,
    data_dir: Annotated[
        Path | None, typer.Option(help="Directory for data that outlives this run; by default, data is discarded.")
    ] = None,
    cluster: Annotated[
        ClusterKind,
        typer.Option(
            help="A sandbox, a control plane from $KUBEBUILDER_ASSETS, or the current context of the kubeconfig."
        ),
    ] = "sandbox",
    rollout: Rollout = 1.0,
    package: Annotated[
        Path | None,
        typer.Option(
            "--package",
            metavar="DIRECTORY",
            exists=True,
            file_okay=False,
            help="Install this package, and apply it again whenever a file of it is saved.",
        ),
    ] = None,
) -> None:
    """Run Temporal, a cluster and a worker until Ctrl-C."""
    import asyncio

    from kudo.cli.console import out
    from kudo.cli.dev_loop import develop
    from kudo.cli.runner import interruption
    from kudo.client import Plans
    from kudo.devstack.stack import stack
    from kudo.operations.session import Session

    _log()
    ports = Ports(temporal_port, ui_port, cluster_port)
    async with stack(ports, data_dir, cluster, rollout) as running:
        interrupted = interruption()
        out.print(f"Temporal    {running.temporal.address}")
        out.print(f"Web UI      {running.temporal.ui}")
        out.print(f"Kubernetes  {running.cluster.url}")
        out.print("\nIn another shell:\n")
        out.print(f"  {running.exports()}")
        out.print("\nPress Ctrl-C to stop.")
        developing = None
        if package:
            out.print(f"\nFollow the plans at {running.temporal.ui}\n")
            session = Session(running.cluster, Plans(running.client), running.cluster.namespace)
            developing = asyncio.create_task(develop(session, package))
        await interrupted.wait()
        if developing:
            developing.cancel()
            with suppress(asyncio.CancelledError):
                await developing


@command
async def demo(
    package: PackageArgument,
    rollout: Rollout = 2.0,
) -> None:
    """Start a temporary stack, and install a package in it.

    Follows the deploy plan until it ends.
    """
    from kudo.cli.console import out
    from kudo.cli.progress import wait_for
    from kudo.cli.runner import interruption
    from kudo.client import Plans
    from kudo.devstack.stack import stack
    from kudo.operations.install import install
    from kudo.operations.session import Session
    from kudo.packages import PackageResolver

    _log()
    with PackageResolver() as resolver:
        bundle = await resolver.resolve(package)
    ports = Ports(free_port(Ports.temporal), free_port(Ports.ui), free_port(Ports.cluster))
    out.print("Starting Temporal, a sandbox cluster and a worker …")
    async with stack(ports, None, "sandbox", rollout) as running:
        name = bundle.package.operator.name
        run = (await install(Session(running.cluster, Plans(running.client), NAMESPACE), bundle, name, {})).run
        out.print(f"Installed the instance {name} of {bundle.package.operator_version_name}.")
        out.print(f"Watch it at {running.temporal.ui_of(run.workflow_id, run.run_id)}\n")
        await wait_for(run, None)
        if out.is_terminal:
            interrupted = interruption()
            out.print("\nIts history is available at that address until you stop.")
            out.print(f"\nTo inspect the cluster, in another shell:\n\n  {running.exports()}\n  kubectl get pods\n")
            out.print("Press Ctrl-C to stop.")
            await interrupted.wait()


def worker(
    check: Annotated[
        bool, typer.Option("--check", help="Only check whether a worker on this machine makes progress.")
    ] = False,
) -> None:
    """Run a worker until SIGINT or SIGTERM."""
    if check:
        check_worker()
    else:
        from kudo.worker import main

        raise typer.Exit(main())


@command
async def check_worker() -> None:
    """Exit with status 1 if no worker on this machine has polled Temporal recently, or one makes no progress."""
    import socket

    from kudo.client import connect, has_worker
    from kudo.health import check_processes

    check_processes()
    host = socket.gethostname()
    if not await has_worker(await connect(), host):
        raise TemporalUnavailable(f"No worker on {host} has polled Temporal recently.")


def _log() -> None:
    """Log warnings of the stack only: plans have a status of their own."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("temporalio").setLevel(logging.ERROR)
