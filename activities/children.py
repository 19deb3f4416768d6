"""The task KudoOperator: an Instance of another operator, whose plan runs as a child workflow."""

from datetime import timedelta

from temporalio import activity

from activities.attempt import attempting, attempting_task
from kudo.instances.children import prepare_child
from kudo.instances.pending_plan import clear_pending_plan
from kudo.kubernetes import Cluster
from kudo.model.execution import ChildRequest, PlanRequest, TaskRequest
from kudo.templates import Renderer


class ChildActivities:
    """Activities that write child Instances; the plans of those are the workflow's business."""

    def __init__(self, cluster: Cluster, renderer: Renderer, grace: timedelta) -> None:
        self._cluster = cluster
        self._renderer = renderer
        self._grace = grace

    @activity.defn
    async def prepare_child(self, request: TaskRequest) -> ChildRequest:
        """Make or change the Instance of a task, and say which of its plans has to run."""
        async with attempting_task(request, self._grace):
            return await prepare_child(self._cluster, self._renderer, request)

    @activity.defn
    async def finish_child(self, done: PlanRequest) -> None:
        """Note that the plan of a child is COMPLETE."""
        async with attempting(self._grace):
            await clear_pending_plan(self._cluster, done)
