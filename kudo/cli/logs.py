"""logs: the logs of the pods of an instance."""

from typing import TYPE_CHECKING, Annotated

import typer

from kudo.cli.command import command
from kudo.cli.instance_argument import of_instance
from kudo.cli.options import InstanceOption, NamespaceOption
from kudo.errors import KudoError

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster
    from kudo.model.objects import Object


@of_instance
@command
async def logs(
    instance: InstanceOption,
    namespace: NamespaceOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also of pods that are ready or have succeeded.")] = False,
    container: Annotated[str, typer.Option("--container", "-c", help="Only of containers with this name.")] = "",
    tail: Annotated[int, typer.Option("--tail", min=1, help="Lines of each container.")] = 50,
    previous: Annotated[bool, typer.Option("--previous", help="Of the previous run of each container.")] = False,
) -> None:
    """Print the logs of the pods that a plan waits for.

    These are the pods of an instance that are not ready, or have failed.
    """
    from kudo.cli.console import out
    from kudo.instances.resources import read_instance
    from kudo.kubernetes import Cluster
    from kudo.model.annotations import INSTANCE
    from kudo.rollout.health import State, container_statuses, health

    async with await Cluster.connect() as cluster:
        namespace = namespace or cluster.namespace
        await read_instance(cluster, namespace, instance)
        pods = await cluster.list("v1", "Pod", namespace, labels=f"{INSTANCE}={instance}")
        chosen = [pod for pod in pods if everything or health(pod).state is not State.HEALTHY]
        if not chosen:
            hint = "pods" if everything or not pods else "pods that are not ready. Print the logs of all with --all"
            out.print(f"The instance {instance} in the namespace {namespace} has no {hint}.")
        for pod in chosen:
            for name in (status.text("name") for status in container_statuses(pod)):
                if container in ("", name):
                    await _print_log(cluster, pod, name, tail, previous=previous)


async def _print_log(cluster: "Cluster", pod: "Object", container: str, tail: int, *, previous: bool) -> None:
    from kudo.cli.console import err, out, with_severity

    out.print(f"==> {pod.name} {container} <==")
    try:
        out.print((await cluster.log(pod.ref, container, tail, previous=previous)).rstrip("\n"))
    except KudoError as error:
        # A container that has not started has no log, and the others have.
        err.print(with_severity("Warning", "yellow", str(error)))
