"""What can go wrong, as one tree; every leaf is fatal or transient.

KudoError
├── FatalError                       no retry can help: the plan ends, loud
│   ├── PackageError                 a package that cannot be read, with everything that is wrong with it
│   ├── RequestError                 a request that is refused before anything is written
│   │   ├── InstanceNotFound
│   │   ├── PlanAlreadyRunning
│   │   └── PlanNotRunning
│   ├── PlanFailed                   a plan that was waited for and did not end COMPLETE
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
│   ├── RetriesExhausted             a task that failed as often as it may
│   ├── TimedOut                     what was not done within its timeout
│   ├── PlanTooLarge                 a plan that does not fit into one Temporal message
│   └── InternalError                a defect of this project
└── TransientError                   a retry may help: left to the retry policy
    ├── ClusterUnavailable           the Kubernetes API is away or overloaded (connection, 429, 5xx)
    ├── ConflictError                someone else wrote first (409)
    ├── TemporalUnavailable          the Temporal server is away
    ├── RendererDied                 the process that renders templates was killed
    ├── DummyTaskFailed              a Dummy task that was asked to fail
    ├── PipePodLost                  the pod of a Pipe task went before its files were copied
    └── GraceError                   transient for a bounded time, fatal after it
        ├── AccessDenied             401, 403: credentials and roles arrive late
        ├── KindNotFound             the API does not serve this kind (yet)
        └── NamespaceNotFound        404 of a namespace
"""

from collections.abc import Iterable, Sequence


def bullets(lines: Iterable[str]) -> str:
    """Return lines as a list that follows the sentence of an error, each on a line of its own."""
    return "".join(f"\n  - {line}" for line in lines)


class KudoError(Exception):
    """Any error of this project; its text is a sentence for the person who reads it."""

    @property
    def reason(self) -> str:
        """The name of the error as Temporal's failure type and as a Kubernetes event's reason."""
        return type(self).__name__


class FatalError(KudoError):
    """No retry can help."""


class TransientError(KudoError):
    """A retry may help."""


class PackageError(FatalError):
    """A package that cannot be used; `problems` holds everything that was found, one line each."""

    def __init__(self, package: str, problems: Sequence[str]) -> None:
        self.package = package
        self.problems = tuple(problems)
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"The package {package} has {count}:{bullets(self.problems)}")


class RequestError(FatalError):
    """A request that is refused; nothing was written."""


class InstanceNotFound(RequestError):
    """There is no such Instance."""


class PlanAlreadyRunning(RequestError):
    """A plan of this Instance is running, and one Instance runs one plan at a time."""


class PlanNotRunning(RequestError):
    """No plan of this Instance is running."""


class PlanFailed(FatalError):
    """A plan that an operation waited for did not end COMPLETE."""


class ConfigurationError(FatalError):
    """The surroundings lack something: a kubeconfig, a context, a program."""


class InvalidOperatorVersion(FatalError):
    """The OperatorVersion of an Instance is missing or malformed."""


class InvalidPlan(FatalError):
    """The OperatorVersion has no such plan, or the plan is malformed."""


class InvalidParams(FatalError):
    """Parameters that are unknown, missing, of the wrong type or not allowed."""


class UnknownTaskName(FatalError):
    """A step names a task that the operator does not define."""


class TaskBuildError(FatalError):
    """A task whose specification is malformed."""


class TaskRenderingError(FatalError):
    """A template that is missing, malformed, or uses something undefined."""


class TaskEnhancementError(FatalError):
    """An object that labels, annotations or an owner cannot be added to."""


class ResourceUnmarshalError(FatalError):
    """A rendered template that is no Kubernetes object."""


class ResourceValidationError(FatalError):
    """An object that the Kubernetes API rejects (400, 422)."""


class ImmutableField(ResourceValidationError):
    """An object that would have to be deleted and made anew, because what has changed cannot change."""


class FailedTerminalStateError(FatalError):
    """An object that will never be healthy, such as a failed Job."""


class ToggleTaskError(FatalError):
    """A Toggle task whose parameter is undefined or no boolean."""


class PipeTaskError(FatalError):
    """A file of a Pipe task that is not there, is too large, or is malformed."""


class DummyTaskError(FatalError):
    """A Dummy task that was asked to fail for good."""


class RetriesExhausted(FatalError):
    """A task that failed as often as its package allows."""


class TimedOut(FatalError):
    """What was not done within the timeout that its package gives it."""


class PlanTooLarge(FatalError):
    """A plan whose templates and parameters exceed what one Temporal message can carry."""


class InternalError(FatalError):
    """A defect of this project."""


class ClusterUnavailable(TransientError):
    """The Kubernetes API cannot be reached, is overloaded, or fails (429, 5xx)."""


class ConflictError(TransientError):
    """Someone else changed the object at the same time (409)."""


class TemporalUnavailable(TransientError):
    """The Temporal server cannot be reached."""


class RendererDied(TransientError):
    """The process that renders templates was killed, by the system's memory killer for instance."""


class DummyTaskFailed(TransientError):
    """A Dummy task that was asked to fail, and is tried again."""


class PipePodLost(TransientError):
    """The pod of a Pipe task went before its files were copied; another is made."""


class GraceError(TransientError):
    """Transient for a bounded grace, because what is missing may arrive late; fatal after it."""


class AccessDenied(GraceError):
    """The credentials are not accepted (401) or not sufficient (403)."""


class KindNotFound(GraceError):
    """The API serves no such kind; its CustomResourceDefinition may be on its way."""


class NamespaceNotFound(GraceError):
    """The namespace does not exist; it may be on its way."""
