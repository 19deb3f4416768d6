"""The operations of users on Instances, each one transaction over Kubernetes and Temporal.

Every operation is a function over a `Session`. It checks the request first, changes nothing if the request is refused,
returns a typed result, and prints nothing. The command line, tests and benchmarks call these functions.

    install, update, upgrade,
    rollback                     check -> write the resources and the pending plan -> start the plan
                                 (if the plan cannot be started, the write is undone)
    trigger, retry, resume       check -> start a plan
    uninstall                    cancel -> run the cleanup plans -> delete
    preview                      the objects of a plan, without writing any
"""

from kudo.operations.approvals import waiting_approvals
from kudo.operations.install import create_instance, install, install_package
from kudo.operations.preview import TaskPreview, preview
from kudo.operations.retry import resume, retry
from kudo.operations.rollback import rollback
from kudo.operations.session import Session
from kudo.operations.status import plan_statuses
from kudo.operations.trigger import trigger
from kudo.operations.uninstall import uninstall
from kudo.operations.update import update
from kudo.operations.upgrade import upgrade

__all__ = [
    "Session",
    "TaskPreview",
    "create_instance",
    "install",
    "install_package",
    "plan_statuses",
    "preview",
    "resume",
    "retry",
    "rollback",
    "trigger",
    "uninstall",
    "update",
    "upgrade",
    "waiting_approvals",
]
