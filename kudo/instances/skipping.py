"""Skip parts of a plan: unmet conditions, steps that are COMPLETE, and steps before the start of a run."""

from collections.abc import Iterable, Mapping

from kudo.errors import InvalidPlan
from kudo.model.plans import Phase, Plan
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus


def skip_unmet_conditions(status: PlanStatus, plan: Plan, hold: Mapping[str, bool]) -> Plan:
    """Set parts whose condition does not hold to SKIPPED; return the plan without the tasks that are skipped."""
    return plan.model_copy(
        update={
            "phases": [
                _skip_in_phase(phase_status, phase, f"plans.{status.name}.{phase.name}", hold)
                for phase_status, phase in zip(status.phases, plan.phases, strict=True)
            ]
        }
    )


def _skip_in_phase(status: PhaseStatus, phase: Phase, path: str, hold: Mapping[str, bool]) -> Phase:
    steps = []
    for step in phase.steps:
        left = [task for task in step.tasks if hold.get(f"tasks.{task}", True)]
        steps.append(step.model_copy(update={"tasks": left}))
        if not hold.get(f"{path}.{step.name}", True) or (step.tasks and not left):
            status.skip([item for item in status.steps if item.name == step.name])
    if not hold.get(path, True):
        status.skip(status.steps)
        status.set(ExecutionStatus.SKIPPED)
    return phase.model_copy(update={"steps": steps})


def carry_over_completed(status: PlanStatus, recorded: PlanStatus) -> None:
    """Set the steps and phases to COMPLETE that are COMPLETE in the recorded status."""
    for phase in status.phases:
        _carry_over(phase, phase.steps, recorded)


def _carry_over(phase: PhaseStatus, steps: Iterable[StepStatus], recorded: PlanStatus) -> None:
    before = recorded.phase(phase.name)
    for step in steps if before else ():
        _carry_over_step(step, before.step(step.name) if before else None)
    everything = all(step.status is ExecutionStatus.COMPLETE for step in phase.steps)
    if before and before.status is ExecutionStatus.COMPLETE and everything:
        phase.status = ExecutionStatus.COMPLETE


def _carry_over_step(step: StepStatus, before: StepStatus | None) -> None:
    if before and before.status is ExecutionStatus.COMPLETE:
        step.status, step.start_time, step.completion_time = before.status, before.start_time, before.completion_time
        step.children = before.children


def start_from(status: PlanStatus, place: str, recorded: PlanStatus | None = None) -> None:
    """Skip the steps listed before a PHASE or PHASE.STEP, except those that the recorded status has as COMPLETE.

    Raises InvalidPlan if the plan has no such phase or step.
    """
    phase, step = _find(status, place)
    before = [(part, part.steps) for part in status.phases[: status.phases.index(phase)]]
    if step is not None:
        before.append((phase, phase.steps[: phase.steps.index(step)]))
    for part, steps in before:
        if recorded is not None:
            _carry_over(part, steps, recorded)
        part.skip(steps)


def _find(status: PlanStatus, place: str) -> tuple[PhaseStatus, StepStatus | None]:
    for phase in status.phases:
        if phase.name == place:
            return phase, None
        for step in phase.steps:
            if f"{phase.name}.{step.name}" == place:
                return phase, step
    steps = ", ".join(f"{phase.name}.{step.name}" for phase in status.phases for step in phase.steps)
    raise InvalidPlan(f"The plan {status.name} has no phase or step {place!r}. Its steps: {steps or 'none'}.")
