"""Steps that wait for somebody's approval."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.status import StatusTree

with workflow.unsafe.imports_passed_through():
    from kudo.model.execution import Approval
    from kudo.model.status import ExecutionStatus


class Approvals:
    """Finds the step that an approval is about."""

    def __init__(self, tree: StatusTree) -> None:
        self._tree = tree
        self._decided: set[tuple[str, str]] = set()

    def find(self, approval: Approval) -> tuple[str, str]:
        """The phase and step that it is about. Raises ApplicationError where no such step waits."""
        waiting = [
            (phase.name, step.name)
            for phase in self._tree.plan.phases
            for step in phase.steps
            if step.status is ExecutionStatus.WAITING_APPROVAL and (phase.name, step.name) not in self._decided
        ]
        found = [place for place in waiting if approval.step in ("", ".".join(place))]
        if len(found) == 1:
            return found[0]
        raise ApplicationError(_refusal(approval.step, waiting), type="NoSuchApproval", non_retryable=True)

    def decide(self, approval: Approval) -> tuple[str, str]:
        """Like `find`; the step waits no longer."""
        place = self.find(approval)
        self._decided.add(place)
        return place


def _refusal(step: str, waiting: list[tuple[str, str]]) -> str:
    if not waiting:
        return "No step of the plan waits for approval."
    problem = f"The step {step} waits for no approval." if step else "Say which step is meant."
    return f"{problem} Steps that wait for one: {', '.join(map('.'.join, waiting))}."
