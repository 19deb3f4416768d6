"""What a run is found by, in the Web UI's search and with `temporal workflow list`."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from kudo.model import search_attributes
    from kudo.model.execution import PlanRequest
    from kudo.model.status import PlanStatus


class Visibility:
    """The search search_attributes of a run."""

    def __init__(self, request: PlanRequest) -> None:
        self._shown: dict[str, str] = {}
        self._known = {
            search_attributes.NAMESPACE: request.namespace,
            search_attributes.INSTANCE: request.instance,
            search_attributes.PLAN: request.plan,
        }

    def show(self, plan: PlanStatus, operator: str = "") -> None:
        """Be found by a status, and by the operator once it is known; each change is an event in the history."""
        if not workflow.patched("search-search_attributes"):
            return
        self._known[search_attributes.STATUS] = "PAUSED" if plan.paused else plan.status
        if operator:
            self._known[search_attributes.OPERATOR] = operator
        changed = {name: value for name, value in self._known.items() if self._shown.get(name) != value}
        if changed:
            self._shown |= changed
            workflow.upsert_search_attributes(
                [SearchAttributeKey.for_keyword(name).value_set(value) for name, value in changed.items()]
            )
