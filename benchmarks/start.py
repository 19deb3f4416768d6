"""Measures how long commands of the command line take, against an interpreter that does nothing.

python -m benchmarks.start

The commands that need a cluster get the status of a plan that has ended, from a sandbox.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL
from pathlib import Path
from statistics import median

from benchmarks.support import NAMESPACE, install, measured_stack, steps
from kudo.model.execution import PlanRequest

ROUNDS = 7
KUDO = str(Path(sys.executable).with_name("kudo"))
COMPLETION = {"_KUDO_COMPLETE": "complete_bash", "COMP_WORDS": "kudo plan ", "COMP_CWORD": "2"}
PACKAGE = "examples/guestbook"

COMMANDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "kudo version": ([KUDO, "version"], {}),
    "kudo --help": ([KUDO, "--help"], {}),
    "a completion": ([KUDO], COMPLETION),
    "kudo get instances": ([KUDO, "get", "instances"], {}),
    "kudo plan status": ([KUDO, "plan", "status", "start"], {}),
    "kudo package verify": ([KUDO, "package", "verify", PACKAGE], {}),
    "kudo render": ([KUDO, "render", PACKAGE], {}),
}


async def seconds(command: list[str], environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environment}, stdout=DEVNULL, stderr=DEVNULL
    )
    await process.wait()
    return time.perf_counter() - begun


async def main() -> None:
    done: dict[str, object] = {"name": "done", "kind": "Dummy", "spec": {"done": True}}
    plan: dict[str, object] = {"phases": [{"name": "main", "steps": steps(3, "done")}]}
    async with measured_stack() as started:
        plans = await install(started, "start", plan, [done])
        await (await plans.start(PlanRequest(namespace=NAMESPACE, instance="start", plan="deploy"))).outcome()
        took: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(ROUNDS):
            for name, (command, environment) in COMMANDS.items():
                took[name].append(await seconds(command, environment))
    for name, all_seconds in took.items():
        print(f"{name}: {median(all_seconds):.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
