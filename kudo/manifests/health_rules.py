"""The annotations with which a template defines when its object is ready, and when it has failed."""

from kudo.errors import TaskEnhancementError, TaskRenderingError
from kudo.model.annotations import FAILED, READY
from kudo.model.objects import Object
from kudo.templates import check_rule


def check_health_rules(item: Object) -> None:
    """Raise TaskEnhancementError if a rule is not a valid expression."""
    rules = {name: rule for name, rule in item.annotations.items() if name in (READY, FAILED)}
    for name, rule in rules.items():
        try:
            check_rule(f"{item.ref}: the annotation {name}", rule)
        except TaskRenderingError as error:
            raise TaskEnhancementError(str(error)) from None
