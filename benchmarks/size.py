"""Measures the events and bytes of a task in the history: serial and parallel, by the number of parameters.

python -m benchmarks.size
"""

import asyncio

from benchmarks.support import NAMESPACE, history, install, measured_stack, steps
from kudo.model.execution import PlanRequest

STEPS = 300
PARAMETERS = (0, 100, 400)


async def main() -> None:
    async with measured_stack() as started:
        done: dict[str, object] = {"name": "done", "kind": "Dummy", "spec": {"done": True}}
        for strategy in ("serial", "parallel"):
            for count in PARAMETERS:
                name = f"{strategy}-{count}"
                phase = {"name": "main", "strategy": strategy, "steps": steps(STEPS, "done")}
                params = {f"PARAMETER_{number}": "x" * 20 for number in range(count)}
                plans = await install(started, name, {"phases": [phase]}, [done], params)
                run = await plans.start(PlanRequest(namespace=NAMESPACE, instance=name, plan="deploy"))
                assert (await run.outcome()).complete
                of_phase = await history(started, f"{NAMESPACE}/{name}/main")
                of_plan = await history(started, f"{NAMESPACE}/{name}")
                events, size = of_phase.events / STEPS, of_phase.size / STEPS
                print(
                    f"{STEPS} {strategy} tasks, {count} parameters: {events:.1f} events and {size:,.0f} bytes a task; "
                    f"the plan has {of_plan}"
                )


if __name__ == "__main__":
    asyncio.run(main())
