"""The search attributes of a run, by which the Web UI and `temporal workflow list` find it."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from kudo.model import search_attributes
from kudo.model.execution import PlanRequest
from kudo.model.status import PlanStatus


class SearchAttributes:
    """Writes the search attributes of a run when they change; each write is an event in the history."""

    def __init__(self, request: PlanRequest) -> None:
        self._written: dict[str, str] = {}
        self._current = {
            search_attributes.NAMESPACE: request.namespace,
            search_attributes.INSTANCE: request.instance,
            search_attributes.PLAN: request.plan,
        }

    def write(self, plan: PlanStatus, operator: str = "") -> None:
        """Write the status, and the operator once it is known."""
        self._current[search_attributes.STATUS] = plan.summary
        if operator:
            self._current[search_attributes.OPERATOR] = operator
        changed = {name: value for name, value in self._current.items() if self._written.get(name) != value}
        if changed:
            self._written |= changed
            workflow.upsert_search_attributes(
                [SearchAttributeKey.for_keyword(name).value_set(value) for name, value in changed.items()]
            )
