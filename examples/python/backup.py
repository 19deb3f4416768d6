"""Back up an instance, approve the step that waits for it, and cancel if it takes too long.

    python backup.py INSTANCE NAME [SECONDS]

The TEMPORAL_* variables set the address of Temporal, as for the `temporal` command line. The instance is one of
examples/valkey, or of another operator with a plan `backup`; the program also works for plans without approvals.
"""

import asyncio
import os
import sys

from kudo.client import (
    Approval,
    ExecutionStatus,
    KudoError,
    Outcome,
    PlanRequest,
    Plans,
    PlanStatus,
    Run,
    connect,
)

NAMESPACE = "default"

TIMEOUT = 600.0
"""Seconds after which the backup is cancelled."""


async def back_up(plans: Plans, instance: str, name: str, plan: str = "backup", timeout: float = TIMEOUT) -> Outcome:
    """Run the plan, cancel it after `timeout` seconds, and return its outcome."""
    request = PlanRequest(namespace=NAMESPACE, instance=instance, plan=plan, parameters={"BACKUP_NAME": name})
    run = await plans.start(request)
    try:
        async with asyncio.timeout(timeout):
            await follow(plans, run)
    except TimeoutError:
        await plans.cancel(NAMESPACE, instance, f"not done after {timeout:g} s")
    return await run.outcome()


async def follow(plans: Plans, run: Run) -> None:
    """Print each status of a run until it has ended, and approve the steps that wait for approval."""
    approved: set[str] = set()
    async for status in run.follow():
        print(f"{status.name} is {status.status}")
        for step in waiting_steps(status):
            if step not in approved:
                approved.add(step)
                await plans.decide(NAMESPACE, run.request.instance, Approval(step=step, by="backup.py"), approved=True)


def waiting_steps(status: PlanStatus) -> list[str]:
    """Return the steps that wait for approval, as PHASE.STEP."""
    return [
        f"{phase.name}.{step.name}"
        for phase in status.phases
        for step in phase.steps
        if step.status is ExecutionStatus.WAITING_APPROVAL
    ]


async def main(instance: str, name: str, timeout: str = str(TIMEOUT)) -> int:
    """Back up an instance; return the exit status."""
    try:
        outcome = await back_up(Plans(await connect()), instance, name, timeout=float(timeout))
    except KudoError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"{outcome.status.name} ended {outcome.status.status}. {outcome.message}".rstrip())
    return 0 if outcome.complete else 1


if __name__ == "__main__":
    status = asyncio.run(main(*sys.argv[1:4]))
    sys.stdout.flush()
    sys.stderr.flush()
    # The threads of Temporal's client can crash an interpreter that ends normally.
    os._exit(status)
