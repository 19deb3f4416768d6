"""The task KudoOperator: an Instance of another operator, whose plan runs as a child workflow."""

from temporalio import activity

from kudo.activities.attempt import attempting, attempting_task
from kudo.activities.context import ActivityContext
from kudo.instances.children import prepare_child
from kudo.instances.pending_plan import clear_pending_plan
from kudo.model.execution import PlanRequest, PreparedChild, TaskRequest


class ChildActivities:
    """Activities that write child Instances; the workflow runs their plans."""

    def __init__(self, context: ActivityContext) -> None:
        self._context = context

    @activity.defn
    async def prepare_child(self, request: TaskRequest) -> PreparedChild:
        """Create or change the Instance of a task, and return which of its plans has to run."""
        cluster = self._context.cluster_for(request.metadata)
        async with attempting_task(request, self._context):
            return await prepare_child(cluster, self._context.renderer, request, adopt=self._context.adopt)

    @activity.defn
    async def finish_child(self, done: PlanRequest) -> None:
        """Clear the pending plan of a child, because it is COMPLETE."""
        async with attempting(self._context.grace):
            await clear_pending_plan(self._context.cluster, done)
