"""dev, demo and worker: running everything, or a part, on this machine.

What runs them is imported late: it would cost every other command a third of a second.
"""

import logging
import socket
from pathlib import Path
from typing import Annotated

import typer

from kudo.cli.command import command, interruption, out
from kudo.cli.options import Package
from kudo.cli.progress import wait_for
from kudo.client import Plans, connect, has_worker
from kudo.devstack.ports import ClusterKind, Ports, free_port
from kudo.errors import TemporalUnavailable
from kudo.operations import Session, install
from kudo.packages import PackageResolver

NAMESPACE = "default"

Rollout = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long a simulated roll-out takes.")]


@command
async def dev(
    temporal_port: Annotated[int, typer.Option(help="Port of Temporal.")] = Ports.temporal,
    ui_port: Annotated[int, typer.Option(help="Port of Temporal's Web UI.")] = Ports.ui,
    cluster_port: Annotated[int, typer.Option(help="Port of the cluster.")] = Ports.cluster,
    data_dir: Annotated[Path | None, typer.Option(help="Where to keep everything; by default nothing is kept.")] = None,
    cluster: Annotated[
        ClusterKind,
        typer.Option(help="A sandbox, a control plane of $KUBEBUILDER_ASSETS, or the kubeconfig's current context."),
    ] = "sandbox",
    rollout: Rollout = 1.0,
) -> None:
    """Run Temporal, a cluster and a worker until Ctrl-C."""
    from kudo.devstack.stack import stack

    _log()
    ports = Ports(temporal_port, ui_port, cluster_port)
    async with stack(ports, data_dir, cluster, rollout) as running:
        interrupted = interruption()
        out.print(f"Temporal    {running.temporal.address}")
        out.print(f"Web UI      {running.temporal.ui}")
        out.print(f"Kubernetes  {running.cluster.url}")
        out.print("\nIn another shell:\n")
        out.print(f"  {running.exports()}")
        out.print("\nCtrl-C ends it.")
        await interrupted.wait()


@command
async def demo(
    package: Package,
    rollout: Rollout = 2.0,
) -> None:
    """Install a package with nothing else running, and watch its deploy plan."""
    from kudo.devstack.stack import stack

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
            out.print("\nIts history is still at that address.")
            out.print(f"\nTo look around, in another shell:\n\n  {running.exports()}\n  kubectl get pods\n")
            out.print("Ctrl-C ends it.")
            await interrupted.wait()


def worker(
    check: Annotated[bool, typer.Option("--check", help="Only look whether a worker of this machine runs.")] = False,
) -> None:
    """Run plans until asked to stop."""
    if check:
        check_worker()
    else:
        import worker as worker_process

        raise typer.Exit(worker_process.main())


@command
async def check_worker() -> None:
    """Exit with status 1 where Temporal has not heard of a worker on this machine lately."""
    host = socket.gethostname()
    if not await has_worker(await connect(), host):
        raise TemporalUnavailable(f"Temporal has not heard of a worker on {host} lately.")


def _log() -> None:
    """Only what is wrong with the stack itself: how plans fare is shown where they are."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("temporalio").setLevel(logging.ERROR)
