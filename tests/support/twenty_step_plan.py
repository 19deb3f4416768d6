"""A plan of twenty steps, and the times at which something is killed while it runs."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from kudo.client import Run
from kudo.model.status import PlanStatus
from support.object_recorder import ObjectRecorder
from support.plans import Content, apply, dummy, phase, plan, write_package

STEPS = 20
SECOND, THIRD = 7, 13
"""Numbers of the first steps of the second and the third phase."""

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{{{ Name }}}}-{step}
data:
  key: value
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{{{ Name }}}}-{step}
spec:
  selector:
    matchLabels:
      app: {{{{ Name }}}}-{step}
  template:
    metadata:
      labels:
        app: {{{{ Name }}}}-{step}
      annotations:
        sandbox.kudo.dev/rollout: "{rollout}"
    spec:
      containers:
        - name: main
          image: busybox
"""

ROLLOUT = "0.8"
"""Seconds that a Deployment takes; as four run one after the other, the plan takes longer than a kill waits."""

LATEST, LATEST_AFTER_STEP = 3.0, 0.5
"""Maximum delay of a kill in seconds, without a step and after a step."""


def deployment_template(step: str, rollout: str) -> str:
    return DEPLOYMENT.format(step=step, rollout=rollout)


def _template(number: int) -> str | None:
    """Return the template of a step; None for every third step, which applies nothing."""
    step = step_name(number)
    return (CONFIG.format(step=step), deployment_template(step, ROLLOUT), None)[number % 3]


def step_name(number: int) -> str:
    return f"s{number:02}"


APPLIED = [step_name(number) for number in range(STEPS) if _template(number)]
"""The steps that apply an object, which is named `INSTANCE-STEP`."""

KILL_STEPS = [step_name(n) for n in range(STEPS) if _template(n) and (n < THIRD or n % 3 == 1)]
"""The steps after which a Deployment still has to roll out, so that the plan is not about to end."""


def _steps(begin: int, end: int) -> Iterator[tuple[str, list[str]]]:
    for number in range(begin, end):
        yield step_name(number), [step_name(number) if _template(number) else "done"]


def write_twenty_step_package(directory: Path) -> Path:
    """Write a package with two serial phases and a parallel one, of ConfigMaps, Deployments and Dummy tasks."""
    templates = {f"{step_name(number)}.yaml": text for number in range(STEPS) if (text := _template(number))}
    tasks: list[Content] = [dummy("done", done=True), *(apply(step, f"{step}.yaml") for step in APPLIED)]
    phases = [
        phase("first", *_steps(0, SECOND)),
        phase("second", *_steps(SECOND, THIRD)),
        phase("third", *_steps(THIRD, STEPS), strategy="parallel"),
    ]
    return write_package(directory, tasks=tasks, plans={"deploy": plan(*phases)}, templates=templates)


def statuses(status: PlanStatus) -> set[str]:
    """Return the distinct statuses of the plan, its phases and its twenty steps."""
    steps = [step for part in status.phases for step in part.steps]
    assert len(steps) == STEPS
    return {status.status, *(part.status for part in status.phases), *(step.status for step in steps)}


@dataclass(frozen=True)
class Kill:
    """The time of a kill: seconds after the object of a step exists, or, without a step, after the plan started.

    After an earlier kill, the seconds count from the time at which everything runs again.
    """

    step: str
    delay: float


def kills(seed: int, minimum: int, maximum: int) -> list[Kill]:
    """Return the kills of a seed in the order of the plan; the first one certainly happens while the plan runs."""
    random = Random(seed)
    return sorted((_kill(random) for _ in range(random.randint(minimum, maximum))), key=lambda kill: kill.step)


def _kill(random: Random) -> Kill:
    if random.random() < 0.4:
        return Kill("", random.uniform(0, LATEST))
    return Kill(random.choice(KILL_STEPS), random.uniform(0, LATEST_AFTER_STEP))


async def until_kill_is_due(kill: Kill, run: Run, recorder: ObjectRecorder, patience: float) -> None:
    """Wait until a kill is due."""
    if kill.step:
        await recorder.appeared(f"{run.request.instance}-{kill.step}", patience)
    await asyncio.sleep(kill.delay)
