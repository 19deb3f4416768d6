"""Health by the rules that a package gives its objects."""

from kudo.model.annotations import FAILED, READY
from kudo.model.objects import Object
from kudo.rollout.health.rules import common, health
from kudo.rollout.health.state import HEALTHY, Health, failed, waiting
from kudo.templates import Renderer, apply_health_rules


class AnnotationRules:
    """Judges objects by their own rules, where they have some, and by those of their kind."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def __call__(self, item: Object) -> Health:
        """Raises TaskRenderingError for a rule that is out of bounds."""
        ready, broken = item.annotations.get(READY, ""), item.annotations.get(FAILED, "")
        if not ready and not broken:
            return health(item)
        if verdict := common(item):
            return verdict
        what = f"the rules of {item.ref}"
        result = await self._renderer.run(what, apply_health_rules, ready, broken, item.manifest)
        if result.failed:
            return failed(result.failed)
        if not ready:
            return health(item)
        return HEALTHY if result.ready else waiting(result.problem or f"`{ready}` does not hold yet")
