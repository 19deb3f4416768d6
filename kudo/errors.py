"""The tree of errors; every leaf is fatal or transient.

```text
KudoError
├── FatalError                       no retry can help: the plan ends with FATAL_ERROR
│   ├── PackageError                 a package that cannot be read, with all its problems
│   ├── RequestError                 a request that is refused before anything is written
│   │   ├── InstanceNotFound
│   │   ├── PlanAlreadyRunning
│   │   └── PlanNotRunning
│   ├── PlanFailed                   a plan was waited for and did not end COMPLETE
│   ├── ConfigurationError           no kubeconfig, a context that does not exist, a missing program
│   ├── InvalidOperatorVersion       ┐
│   ├── InvalidPlan                  │
│   ├── InvalidParams                │
│   ├── UnknownTaskName              │
│   ├── TaskBuildError               │
│   ├── TaskRenderingError           │ the names of KUDO's events: they are the type of the
│   ├── TaskEnhancementError         │ failure in Temporal and the reason of the event in Kubernetes
│   ├── ResourceUnmarshalError       │
│   ├── ResourceValidationError      │
│   │   └── ImmutableField           │
│   ├── FailedTerminalStateError     │
│   ├── ToggleTaskError              │
│   ├── PipeTaskError                │
│   ├── DummyTaskError               ┘
│   ├── ForeignObject                an object that was not made for the instance
│   ├── RetriesExhausted             a task that failed maxAttempts times
│   ├── TimedOut                     a plan, phase, step, task or command that exceeded its timeout
│   ├── PlanTooLarge                 a plan that does not fit into one Temporal message
│   └── InternalError                a defect of this project
└── TransientError                   a retry may help: left to the retry policy
    ├── ClusterUnavailable           the Kubernetes API fails (5xx)
    │   └── ApiOutage                it is unreachable or overloaded: no attempt of the task is counted
    │       └── Unauthenticated      401: credentials have expired, or the identity provider is unavailable
    ├── ConflictError                another client wrote first (409)
    ├── TemporalUnavailable          the Temporal server is unreachable
    ├── WorkerUnhealthy              a worker process makes no progress
    ├── RendererDied                 the process that renders templates was killed
    ├── RendererUnavailable          the process that renders templates could not be started
    ├── DummyTaskFailed              a Dummy task whose spec makes it fail
    ├── PipePodLost                  the pod of a Pipe task was lost before its files were copied
    └── GraceError                   transient for a bounded time, then fatal
        ├── AccessDenied             403: roles may arrive late
        ├── KindNotFound             the API does not serve this kind (yet)
        │   └── KindServedElsewhere  it serves it in another version: fatal at once
        └── NamespaceNotFound        404 of a namespace
```
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta


def bullets(lines: Iterable[str]) -> str:
    """Return lines as a bulleted list to append to an error message."""
    return "".join(f"\n  - {line}" for line in lines)


class KudoError(Exception):
    """Base of all errors of this project; the text is a message for the user."""

    retry_after: timedelta | None = None
    """How long the API asks to wait before the next attempt; None leaves it to the retry policy."""

    @property
    def reason(self) -> str:
        """Name of the error: the failure type in Temporal and the reason of the event in Kubernetes."""
        return type(self).__name__


class FatalError(KudoError):
    """An error that no retry can fix."""


class TransientError(KudoError):
    """An error that a retry may fix."""


class PackageError(FatalError):
    """A package that cannot be used; `problems` has one line for each problem."""

    def __init__(self, package: str, problems: Sequence[str]) -> None:
        self.package = package
        self.problems = tuple(problems)
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"The package {package} has {count}:{bullets(self.problems)}")


class RequestError(FatalError):
    """A request that was refused; nothing was written."""


class InstanceNotFound(RequestError):
    """The Instance does not exist."""


class PlanAlreadyRunning(RequestError):
    """Another plan of this Instance is running; an Instance runs one plan at a time."""


class PlanNotRunning(RequestError):
    """No plan of this Instance is running."""


class PlanFailed(FatalError):
    """A plan that an operation waited for did not end COMPLETE."""


class ConfigurationError(FatalError):
    """Something in the environment is missing: a kubeconfig, a context, a program."""


class InvalidOperatorVersion(FatalError):
    """The OperatorVersion of an Instance is missing or malformed."""


class InvalidPlan(FatalError):
    """A plan that the OperatorVersion does not define, or that is malformed."""


class InvalidParams(FatalError):
    """Parameters that are unknown, missing, of the wrong type or not allowed."""


class UnknownTaskName(FatalError):
    """A step names a task that the operator does not define."""


class TaskBuildError(FatalError):
    """A task whose specification is malformed."""


class TaskRenderingError(FatalError):
    """A template that is missing or malformed, or uses an undefined variable."""


class TaskEnhancementError(FatalError):
    """An object to which labels, annotations or an owner cannot be added."""


class ResourceUnmarshalError(FatalError):
    """A rendered template that is not a Kubernetes object."""


class ResourceValidationError(FatalError):
    """An object that the Kubernetes API rejects (400, 422)."""


class ImmutableField(ResourceValidationError):
    """An object that would have to be deleted and recreated, because an immutable field has changed."""


class ForeignObject(FatalError):
    """A live object was not made for the Instance, and nobody consented that it is changed or deleted."""


class FailedTerminalStateError(FatalError):
    """An object that will never be healthy, such as a failed Job."""


class ToggleTaskError(FatalError):
    """A Toggle task whose parameter is undefined or not a boolean."""


class PipeTaskError(FatalError):
    """A file of a Pipe task that does not exist, is too large, or is malformed."""


class DummyTaskError(FatalError):
    """A Dummy task whose spec makes it fail without a retry."""


class RetriesExhausted(FatalError):
    """A task that failed as many times as its `retry.maxAttempts` allows."""


class TimedOut(FatalError):
    """A plan, phase, step, task or command that did not complete within its timeout."""


class PlanTooLarge(FatalError):
    """A plan whose templates and parameters exceed the size of one Temporal message."""


class InternalError(FatalError):
    """A defect of this project."""


class ClusterUnavailable(TransientError):
    """The Kubernetes API fails (5xx), or is away; see ApiOutage."""


class ApiOutage(ClusterUnavailable):
    """The Kubernetes API cannot be reached, or is overloaded (429, 502 to 504).

    It says nothing about the task, so it does not count as one of its attempts.
    """


class Unauthenticated(ApiOutage):
    """The API does not accept the credentials (401), also after they were read again."""


class ConflictError(TransientError):
    """Another client changed the object at the same time (409)."""


class TemporalUnavailable(TransientError):
    """The Temporal server cannot be reached."""


class WorkerUnhealthy(TransientError):
    """A worker process makes no progress, although it may still poll."""


class RendererDied(TransientError):
    """The process that renders templates was killed, for example by the OOM killer; fatal if it happens repeatedly."""


class RendererUnavailable(TransientError):
    """The process that renders templates could not be started, for example because there are too many processes."""


class DummyTaskFailed(TransientError):
    """A Dummy task whose spec makes it fail with retries."""


class PipePodLost(TransientError):
    """The pod of a Pipe task was lost before its files were copied; the retry creates another."""


class GraceError(TransientError):
    """Transient for a grace period, because the missing object or right may arrive late; then fatal."""


class AccessDenied(GraceError):
    """The credentials are insufficient (403)."""


class KindNotFound(GraceError):
    """The API does not serve the kind; its CustomResourceDefinition may not be established yet."""


class KindServedElsewhere(KindNotFound):
    """The API serves the kind in another version or group: without a grace, because that does not change by waiting."""


class NamespaceNotFound(GraceError):
    """The namespace does not exist; it may be created later."""
