"""Plans through Temporal's client: the one place that speaks to it.

Workflows are named by their type, so that nothing of them is imported: anything that can start a Temporal workflow can
do the same.
"""

from kudo.client.connection import TASK_QUEUE, connect, has_worker
from kudo.client.history import PastRun
from kudo.client.plans import Plans
from kudo.client.run import Outcome, Run
from kudo.client.search_attributes import require_search_attributes

__all__ = ["TASK_QUEUE", "Outcome", "PastRun", "Plans", "Run", "connect", "has_worker", "require_search_attributes"]
