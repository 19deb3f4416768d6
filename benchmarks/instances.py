"""Measures the plans of many Instances that start at once, each with three ConfigMaps, for some numbers of workers.

python -m benchmarks.instances [INSTANCES] [WORKERS...]

The baseline are as many workflows with a child and as many empty activities, in one worker of their own.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psutil

from benchmarks.bare import TASK_QUEUE, Parent
from benchmarks.cost import CONFIG_MAP, STEPS
from benchmarks.support import (
    NAMESPACE,
    Bench,
    cpu,
    install,
    stack_without_worker,
    steps,
    temporal_process,
    worker,
)
from kudo.client import Plans
from kudo.model.execution import PlanRequest

SAMPLE = 0.2
"""Seconds between two looks at the memory of the workers."""


@dataclass(frozen=True)
class Cost:
    """What a burst of workflows took."""

    seconds: float
    workers: float
    """CPU time of the workers with their renderers, in seconds."""
    temporal: float
    memory: float
    """The most that one worker needed, without its renderers, in megabytes."""

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s, CPU time {self.workers:.1f} s in workers and {self.temporal:.1f} s in Temporal, "
            f"at most {self.memory:.0f} MB in a worker"
        )


async def measured(run: Callable[[], Awaitable[None]], workers: list[psutil.Process], temporal: psutil.Process) -> Cost:
    peak = 0.0

    async def watch_memory() -> None:
        nonlocal peak
        while True:
            peak = max(peak, *(process.memory_info().rss / 1_000_000 for process in workers))
            await asyncio.sleep(SAMPLE)

    before = cpu(*workers), cpu(temporal)
    begun = time.perf_counter()
    watching = asyncio.create_task(watch_memory())
    await run()
    took = time.perf_counter() - begun
    watching.cancel()
    return Cost(took, cpu(*workers) - before[0], cpu(temporal) - before[1], peak)


async def run_plans(plans: Plans, names: list[str]) -> None:
    async def run(name: str) -> None:
        request = PlanRequest(namespace=NAMESPACE, instance=name, plan="deploy")
        assert (await (await plans.start(request)).outcome()).complete

    await asyncio.gather(*map(run, names))


async def run_bare(bench: Bench, prefix: str, count: int) -> None:
    ids = [f"{prefix}-{number}" for number in range(count)]
    runs = [bench.client.execute_workflow(Parent.run, STEPS, id=one, task_queue=TASK_QUEUE) for one in ids]
    await asyncio.gather(*runs)


async def main(count: int, numbers: list[int]) -> None:
    async with stack_without_worker() as bench:
        temporal = temporal_process()
        apply: dict[str, object] = {"name": "apply", "kind": "Apply", "spec": {"resources": ["config.yaml"]}}
        plan: dict[str, object] = {"phases": [{"name": "main", "steps": steps(STEPS, "apply")}]}
        names = [f"instance-{number}" for number in range(count)]
        for name in [*names, "first"]:
            plans = await install(bench, name, plan, [apply], config=CONFIG_MAP)
        async with worker("benchmarks.bare") as process:
            await run_bare(bench, "first", 1)
            cost = await measured(lambda: run_bare(bench, "bare", count), [process], temporal)
            print(f"{count} bare workflows: {cost}")
        for number in numbers:
            async with AsyncExitStack() as stack:
                processes = [await stack.enter_async_context(worker("kudo.worker")) for _ in range(number)]
                # The first plans start the renderers, and fill the caches.
                for _ in range(4 * number):
                    await run_plans(plans, ["first"])
                cost = await measured(lambda: run_plans(plans, names), processes, temporal)
                print(f"{count} instances, {number} workers: {cost}")


if __name__ == "__main__":
    first, *others = [int(argument) for argument in sys.argv[1:]] or [100]
    asyncio.run(main(first, others or [1, 2, 4]))
