"""The context that the activities of a worker share."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import timedelta

from kudo.activities.slots import TaskSlots
from kudo.kubernetes import Cluster
from kudo.manifests.pipes import WAITER_IMAGE
from kudo.model.bounds import Bounds
from kudo.model.execution import Metadata
from kudo.templates import Renderer

GRACE = timedelta(seconds=60)
"""How long credentials, roles, namespaces and kinds may be missing before that is fatal."""

POD_PATIENCE = timedelta(minutes=10)
"""How long pods may crash, or lack their image or a node, before their object has failed."""


WAIT_LIMIT = timedelta(seconds=30)
"""How long a task waits in its own activity; see `ActivityContext.wait_limit`."""


@dataclass(frozen=True, slots=True)
class ActivityContext:
    """The connections and settings of the activities of a worker."""

    cluster: Cluster
    renderer: Renderer
    grace: timedelta = GRACE
    """See GRACE; the time counts over all attempts of an activity."""
    pod_patience: timedelta | None = POD_PATIENCE
    """How long pods may be in trouble before their object has failed; None is without a bound."""
    wait_limit: timedelta = WAIT_LIMIT
    """How long a task waits for its objects until the activity `wait` continues that, with rare heartbeats."""
    pipe_image: str = WAITER_IMAGE
    """The image of the container that waits in the pod of a Pipe task while its files are copied."""
    bounds: Bounds = field(default_factory=Bounds)
    """Retries and timeouts of tasks whose packages set none."""
    adopt: bool = False
    """Whether tasks may change and delete objects that were not made for any Instance."""
    cluster_scoped: Container[str] | None = None
    """The cluster-scoped kinds that tasks may write, as `KIND` or `KIND.GROUP`; None allows all."""
    slots: TaskSlots = field(default_factory=TaskSlots)
    """The slots of the worker, if it uses them."""

    def cluster_for(self, metadata: Metadata) -> Cluster:
        """Return the cluster as a plan may use it: confined to the namespace of its Instance."""
        return self.cluster.within(metadata.instance_namespace, self.cluster_scoped)
