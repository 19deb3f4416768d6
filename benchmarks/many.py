"""Measures 100 concurrent plans of ten steps.

python -m benchmarks.many
"""

import asyncio
import time

from benchmarks.support import NAMESPACE, install, measured_stack, steps
from kudo.model.execution import PlanRequest

PLANS = 100
STEPS = 10


async def main() -> None:
    async with measured_stack() as started:
        done: dict[str, object] = {"name": "done", "kind": "Dummy", "spec": {"done": True}}
        plan: dict[str, object] = {"phases": [{"name": "main", "steps": steps(STEPS, "done")}]}
        for number in range(PLANS):
            plans = await install(started, f"plan-{number}", plan, [done])
        begun = time.perf_counter()
        requests = [PlanRequest(namespace=NAMESPACE, instance=f"plan-{n}", plan="deploy") for n in range(PLANS)]
        runs = await asyncio.gather(*(plans.start(request) for request in requests))
        outcomes = await asyncio.gather(*(run.outcome() for run in runs))
        took = time.perf_counter() - begun
        assert all(outcome.complete for outcome in outcomes)
        print(f"{PLANS} plans of {STEPS} steps: {took:.1f} s, {PLANS * STEPS / took:.0f} steps a second")


if __name__ == "__main__":
    asyncio.run(main())
