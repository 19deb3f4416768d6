"""plan cancel, pause, resume, retry, approve, refuse."""

from typing import Annotated

import typer

from kudo.cli.command import command, out
from kudo.cli.options import Instance, Namespace, StartFrom, Wait, WaitTime
from kudo.cli.packages import start, started
from kudo.cli.progress import ended, styled_tree
from kudo.cli.session import Session, session, whoami
from kudo.client import Run
from kudo.errors import RequestError
from kudo.instances.active_plan import check_place
from kudo.instances.pending_plan import pending_plan
from kudo.instances.resources import read_instance, read_operator_version
from kudo.model.execution import Approval, PlanRequest
from kudo.model.status import ExecutionStatus, PlanStatus

Reason = Annotated[str, typer.Option("--reason", help="Why; shown in the plan's status or events.")]
Step = Annotated[
    str, typer.Option("--step", metavar="PHASE.STEP", help="The step; not needed where only one waits for approval.")
]


WithoutParameters = Annotated[
    bool,
    typer.Option(
        "--without-parameters", help="Leave out parameters that the run had of its own; Temporal is not asked for them."
    ),
]


@command
async def cancel(
    instance: Instance, namespace: Namespace = None, reason: Reason = "", wait: Wait = False, wait_time: WaitTime = 300
) -> None:
    """Cancel the running plan of an instance; what was applied stays."""
    async with session(namespace) as now:
        run = await now.plans.cancel(now.namespace, instance, reason or "cancelled with kudo plan cancel")
        out.print(f"The plan {run.request.plan} is asked to stop.")
        if wait:
            out.print(styled_tree(instance, (await ended(run, wait_time)).status))


@command
async def pause(instance: Instance, namespace: Namespace = None, reason: Reason = "") -> None:
    """Start no further step of the running plan; what runs is finished. `resume` lets it go on."""
    async with session(namespace) as now:
        run = await now.plans.pause(now.namespace, instance, _signed(reason))
        out.print(f"The plan {run.request.plan} is paused. It goes on with `kudo plan resume --instance {instance}`.")


@command
async def resume(
    instance: Instance,
    namespace: Namespace = None,
    reason: Reason = "",
    without_parameters: WithoutParameters = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Let a paused plan go on; or run one that failed or was cancelled again, without the steps that are COMPLETE."""
    async with session(namespace) as now:
        run = await now.plans.running(now.namespace, instance)
        if run is None:
            run = await _again(now, instance, resume=True, without_parameters=without_parameters)
            await started(run, wait, wait_time)
            return
        if not (await run.status()).paused:
            raise await now.plans.refusal(run.request)
        await now.plans.unpause(now.namespace, instance, _signed(reason))
        await started(run, wait, wait_time, "goes on")


@command
async def retry(
    instance: Instance,
    namespace: Namespace = None,
    place: StartFrom = "",
    without_parameters: WithoutParameters = False,
    wait: Wait = False,
    wait_time: WaitTime = 300,
) -> None:
    """Run the plan that failed or was cancelled again, from the beginning or from a given place."""
    async with session(namespace) as now:
        run = await _again(now, instance, place=place, without_parameters=without_parameters)
        await started(run, wait, wait_time)


@command
async def approve(instance: Instance, namespace: Namespace = None, step: Step = "", reason: Reason = "") -> None:
    """Let a step go on that waits for approval."""
    await _decide(instance, namespace, step, reason, approved=True)


@command
async def refuse(instance: Instance, namespace: Namespace = None, step: Step = "", reason: Reason = "") -> None:
    """End the plan at a step that waits for approval."""
    await _decide(instance, namespace, step, reason, approved=False)


async def _decide(instance: str, namespace: str | None, step: str, reason: str, *, approved: bool) -> None:
    async with session(namespace) as now:
        approval = Approval(step=step, by=whoami(), reason=reason)
        run = await now.plans.decide(now.namespace, instance, approval, approved=approved)
        out.print(f"{'Approved' if approved else 'Refused'}: the plan {run.request.plan} of {instance}.")


def _signed(reason: str) -> str:
    return f"by {whoami()}: {reason}" if reason else f"by {whoami()}"


async def _again(
    now: Session, instance: str, *, resume: bool = False, place: str = "", without_parameters: bool = False
) -> Run:
    """Start the last plan again, with the arguments that it was started with; or the plan that is left to run."""
    there = await read_instance(now.cluster, now.namespace, instance)
    last, pending = there.status.last, pending_plan(there)
    if pending and (last is None or last.name != pending or last.status is ExecutionStatus.COMPLETE):
        return await start(now, now.request(instance, pending))
    if last is None or last.status is ExecutionStatus.COMPLETE:
        what = "No plan of it was run yet" if last is None else f"Its last plan, {last.name}, is COMPLETE"
        raise RequestError(f"There is nothing to run again for the instance {instance}. {what}.")
    if place:
        check_place(await read_operator_version(now.cluster, there), last.name, place)
    request = now.request(instance, last.name)
    request.resume, request.start_from = resume, place
    if not without_parameters:
        before = await _arguments(now, instance, last)
        request.parameters = before.parameters
        if resume:
            request.start_from = before.start_from
    return await start(now, request)


async def _arguments(now: Session, instance: str, last: PlanStatus) -> PlanRequest:
    """What the recorded run was started with; one that was refused since has left no trace in the Instance."""
    origin = await now.plans.origin(now.namespace, instance, last.uid) if last.uid else None
    if origin is None or origin.request.plan != last.name:
        raise RequestError(
            f"Temporal does not know any more how the plan {last.name} of the instance {instance} was started. Run it "
            f"with `kudo plan trigger --instance {instance} --name {last.name}`, and -p for parameters of its own; or "
            "say --without-parameters if it had none."
        )
    return origin.request
