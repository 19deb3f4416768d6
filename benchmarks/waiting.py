"""Measures a worker with tasks that wait for health: memory, CPU time, and connections to the Kubernetes API.

python -m benchmarks.waiting [INSTANCES]

Each instance has 1,000 of the tasks. They wait for longer than they wait in their own activities.
"""

import asyncio
import sys

import psutil

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
from kudo.activities import WAIT_LIMIT
from kudo.model.execution import PlanRequest

PHASES = 5
STEPS = 200
MEASURED = 30.0
"""Seconds of the measurement."""

SETTLED = 3 * WAIT_LIMIT.total_seconds()
"""Seconds between the last change and the measurement."""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "{{ Name }}-{{ PhaseName }}-{{ StepName }}"
  annotations:
    sandbox.kudo.dev/rollout: hang
spec:
  selector:
    matchLabels:
      app: "{{ Name }}-{{ PhaseName }}-{{ StepName }}"
  template:
    metadata:
      labels:
        app: "{{ Name }}-{{ PhaseName }}-{{ StepName }}"
    spec:
      containers:
        - name: main
          image: busybox
"""


async def main(instances: int) -> None:
    async with stack_without_worker() as started:
        temporal = temporal_process()
        apply: dict[str, object] = {"name": "apply", "kind": "Apply", "spec": {"resources": ["deployment.yaml"]}}
        phases = [
            {"name": f"phase-{number}", "strategy": "parallel", "steps": steps(STEPS, "apply")}
            for number in range(PHASES)
        ]
        plan: dict[str, object] = {"strategy": "parallel", "phases": phases}
        names = [f"waiting-{number}" for number in range(instances)]
        for name in names:
            plans = await install(started, name, plan, [apply], deployment=DEPLOYMENT)
        async with worker("kudo.worker") as process:
            for name in names:
                await plans.start(PlanRequest(namespace=NAMESPACE, instance=name, plan="deploy"))
            tasks = instances * PHASES * STEPS
            await _all_wait(started, tasks)
            print(f"{tasks:,} waiting tasks:", await _measured(process, temporal, started))


async def _all_wait(bench: Bench, tasks: int) -> None:
    """Wait until all Deployments are applied and have their pods, and idle connections are closed."""
    while len(await bench.cluster.list("v1", "Pod", NAMESPACE)) < tasks:
        await asyncio.sleep(10)
    await asyncio.sleep(SETTLED)


async def _measured(process: psutil.Process, temporal: psutil.Process, bench: Bench) -> str:
    before = cpu(process), cpu(temporal)
    await asyncio.sleep(MEASURED)
    after = cpu(process), cpu(temporal)
    busy = [(end - start) / MEASURED for start, end in zip(before, after, strict=True)]
    memory = process.memory_info().rss / 1_000_000
    streams = [
        connection
        for connection in process.net_connections("tcp")
        if connection.raddr
        and connection.raddr.port == bench.cluster_port
        and connection.status == psutil.CONN_ESTABLISHED
    ]
    return (
        f"worker {memory:.0f} MB, {busy[0]:.0%} of a core, {len(streams)} connections to the Kubernetes API; "
        f"Temporal {busy[1]:.0%} of a core"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
