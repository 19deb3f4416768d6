"""What a failure in the tree means, and how it is passed on."""

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    TerminatedError,
    TimeoutError,
    is_cancelled_exception,
)


def root_cause(error: FailureError) -> FailureError:
    """What went wrong at the bottom: an activity's error, not that an activity had one."""
    while isinstance(error, ActivityError | ChildWorkflowError) and isinstance(error.cause, FailureError):
        error = error.cause
    return error


def fatal(error: FailureError, *details: object) -> ApplicationError:
    """The error that ends a workflow of the tree, with the event's name as its type."""
    cause = root_cause(error)
    return ApplicationError(cause.message, *details, type=event_of(cause), non_retryable=True)


def event_of(cause: FailureError) -> str:
    """The name of the event for a failure."""
    match cause:
        case ApplicationError(type=str(name)):
            return name
        case TimeoutError():
            return "TimedOut"
        case TerminatedError():
            return "Terminated"
    return type(cause).__name__


__all__ = ["event_of", "fatal", "is_cancelled_exception", "root_cause"]
