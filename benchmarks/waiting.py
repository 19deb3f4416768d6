"""Measures a worker with 1,000 tasks that wait for health: its memory, CPU time and connections to the Kubernetes API.

python -m benchmarks.waiting
"""

import asyncio
import sys

import psutil

from benchmarks.support import NAMESPACE, Bench, install, stack_without_worker, steps
from kudo.model.execution import PlanRequest

PHASES = 5
STEPS = 200
MEASURED = 30.0
"""Seconds of the measurement, and of the pause before it."""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "{{ PhaseName }}-{{ StepName }}"
  annotations:
    sandbox.kudo.dev/rollout: hang
spec:
  selector:
    matchLabels:
      app: "{{ PhaseName }}-{{ StepName }}"
  template:
    metadata:
      labels:
        app: "{{ PhaseName }}-{{ StepName }}"
    spec:
      containers:
        - name: main
          image: busybox
"""


async def main() -> None:
    async with stack_without_worker() as started:
        apply: dict[str, object] = {"name": "apply", "kind": "Apply", "spec": {"resources": ["deployment.yaml"]}}
        phases = [
            {"name": f"phase-{number}", "strategy": "parallel", "steps": steps(STEPS, "apply")}
            for number in range(PHASES)
        ]
        plan: dict[str, object] = {"strategy": "parallel", "phases": phases}
        plans = await install(started, "waiting", plan, [apply], deployment=DEPLOYMENT)
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kudo.worker", stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await plans.start(PlanRequest(namespace=NAMESPACE, instance="waiting", plan="deploy"))
            await _all_wait(started)
            await _measure(psutil.Process(worker.pid), started.cluster_port)
        finally:
            worker.kill()
            await worker.wait()


async def _all_wait(bench: Bench) -> None:
    """Wait until all Deployments are applied and have their pods, and idle connections are closed."""
    while len(await bench.cluster.list("v1", "Pod", NAMESPACE)) < PHASES * STEPS:
        await asyncio.sleep(2)
    await asyncio.sleep(MEASURED)


async def _measure(worker: psutil.Process, cluster_port: int) -> None:
    before = worker.cpu_times()
    await asyncio.sleep(MEASURED)
    after = worker.cpu_times()
    busy = (after.user + after.system - before.user - before.system) / MEASURED
    memory = worker.memory_info().rss / 1_000_000
    streams = [
        connection
        for connection in worker.net_connections("tcp")
        if connection.raddr and connection.raddr.port == cluster_port and connection.status == psutil.CONN_ESTABLISHED
    ]
    print(
        f"{PHASES * STEPS} waiting tasks: {memory:.0f} MB, {busy:.0%} of a core, "
        f"{len(streams)} connections to the Kubernetes API"
    )


if __name__ == "__main__":
    asyncio.run(main())
