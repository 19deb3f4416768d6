"""Measures a serial plan of 200 tasks against a workflow of 200 empty activities.

python -m benchmarks.chain
"""

import asyncio
import time

from temporalio.worker import Worker

from benchmarks.bare import Chain, nothing
from benchmarks.support import NAMESPACE, history, install, measured_stack, steps
from kudo.model.execution import PlanRequest

LENGTH = 200
ROUNDS = 5


async def main() -> None:
    async with measured_stack() as started:
        plan: dict[str, object] = {"phases": [{"name": "main", "steps": steps(LENGTH, "done")}]}
        plans = await install(started, "chain", plan, [{"name": "done", "kind": "Dummy", "spec": {"done": True}}])
        request = PlanRequest(namespace=NAMESPACE, instance="chain", plan="deploy")
        async with Worker(started.client, task_queue="bare", workflows=[Chain], activities=[nothing]):
            for number in range(ROUNDS):
                begun = time.perf_counter()
                await started.client.execute_workflow(Chain.run, LENGTH, id=f"bare-{number}", task_queue="bare")
                bare = time.perf_counter() - begun
                begun = time.perf_counter()
                assert (await (await plans.start(request)).outcome()).complete
                plan_took = time.perf_counter() - begun
                print(f"bare {bare:.2f} s, plan {plan_took:.2f} s, ratio {plan_took / bare:.2f}")
        for workflow_id in ("bare-0", "default/chain", "default/chain/main"):
            print(f"{workflow_id}: {await history(started, workflow_id)}")


if __name__ == "__main__":
    asyncio.run(main())
