"""Measures the CPU time of a plan of three ConfigMaps against a workflow and a child with as many empty activities.

python -m benchmarks.cost

The CPU time is that of the worker, its renderers and the Temporal server; that of the cluster does not count. Both have
a worker of their own, without Temporal's sandbox.
"""

import asyncio
import statistics

from benchmarks.bare import TASK_QUEUE, Parent
from benchmarks.support import (
    NAMESPACE,
    History,
    cpu,
    history,
    install,
    stack_without_worker,
    steps,
    temporal_process,
    worker,
)
from kudo.model.execution import PlanRequest

STEPS = 3
ROUNDS = 6
PLANS = 20
"""Plans of a round, which run one after the other."""

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ Name }}-{{ StepName }}"
data:
  key: value
"""


async def main() -> None:
    async with stack_without_worker() as started, worker("kudo.worker") as ours, worker("benchmarks.bare") as bares:
        temporal = temporal_process()
        apply: dict[str, object] = {"name": "apply", "kind": "Apply", "spec": {"resources": ["config.yaml"]}}
        plan: dict[str, object] = {"phases": [{"name": "main", "steps": steps(STEPS, "apply")}]}
        plans = await install(started, "cost", plan, [apply], config=CONFIG_MAP)
        request = PlanRequest(namespace=NAMESPACE, instance="cost", plan="deploy")
        ratios = []
        # The first round starts the renderers, and fills the caches.
        for number in range(ROUNDS + 1):
            begun = cpu(ours, temporal)
            for _ in range(PLANS):
                assert (await (await plans.start(request)).outcome()).complete
            plan_took = (cpu(ours, temporal) - begun) / PLANS
            begun = cpu(bares, temporal)
            for index in range(PLANS):
                await started.client.execute_workflow(
                    Parent.run, STEPS, id=f"bare-{number}-{index}", task_queue=TASK_QUEUE
                )
            bare_took = (cpu(bares, temporal) - begun) / PLANS
            if number:
                ratios.append(plan_took / bare_took)
                print(f"bare {bare_took * 1000:.0f} ms, plan {plan_took * 1000:.0f} ms, ratio {ratios[-1]:.2f}")
        print(f"The median of the ratios is {statistics.median(ratios):.2f}.")
        for name, ids in (("plan", ("default/cost", "default/cost/main")), ("bare", ("bare-0-0", "bare-0-0/child"))):
            sizes = [await history(started, workflow_id) for workflow_id in ids]
            print(f"{name}: {History(sum(one.events for one in sizes), sum(one.size for one in sizes))}")


if __name__ == "__main__":
    asyncio.run(main())
