"""Health by the rules in the annotations of an object."""

from kudo.model.annotations import FAILED, READY
from kudo.model.objects import Object
from kudo.rollout.health.rules import common, health
from kudo.rollout.health.state import HEALTHY, Health, failed, waiting
from kudo.templates import Renderer, apply_health_rules


class AnnotationRules:
    """A HealthCheck by the rules in an object's annotations, if it has any, and by those of its kind."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def __call__(self, item: Object) -> Health:
        """Return the health of an object. Raises TaskRenderingError for a rule that exceeds a limit."""
        ready, broken = item.annotations.get(READY, ""), item.annotations.get(FAILED, "")
        if not ready and not broken:
            return health(item)
        if verdict := common(item):
            return verdict
        subject = f"the rules of {item.ref}"
        result = await self._renderer.run(subject, apply_health_rules, ready, broken, item.manifest)
        if result.failed:
            return failed(result.failed)
        if not ready:
            return health(item)
        return HEALTHY if result.ready else waiting(result.problem or f"`{ready}` is not true yet")
