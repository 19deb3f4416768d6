"""The simulated controllers of the sandbox."""

from kudo.sandbox.controllers.budgets import Budgets
from kudo.sandbox.controllers.claims import Claims
from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.controllers.daemonsets import DaemonSets
from kudo.sandbox.controllers.definitions import Definitions
from kudo.sandbox.controllers.deployments import Deployments
from kudo.sandbox.controllers.garbage import Garbage
from kudo.sandbox.controllers.jobs import Jobs
from kudo.sandbox.controllers.namespaces import Namespaces
from kudo.sandbox.controllers.pods import Pods
from kudo.sandbox.controllers.replicasets import ReplicaSets
from kudo.sandbox.controllers.services import Services
from kudo.sandbox.controllers.statefulsets import StatefulSets

CONTROLLERS: tuple[type[Controller], ...] = (
    Namespaces,
    Definitions,
    Garbage,
    Deployments,
    ReplicaSets,
    StatefulSets,
    DaemonSets,
    Jobs,
    Pods,
    Claims,
    Services,
    Budgets,
)
