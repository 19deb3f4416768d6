"""Failures in the tree of a plan: what caused them, and the error that ends each workflow above.

    activity fails (ApplicationError, type = KUDO's event name)
      -> Phase fails with that type and the status of the phase as details
        -> Plan fails with that type and the status of the plan as details

So a client finds the name of the event and the final status in the failure of the plan, without asking a worker.
"""

from typing import TypeVar

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    TerminatedError,
    TimeoutError,
    is_cancelled_exception,
)

from kudo.model.base import Model

M = TypeVar("M", bound=Model)


def root_cause(error: FailureError) -> FailureError:
    """Return the innermost failure: the error of an activity instead of the ActivityError around it."""
    while isinstance(error, ActivityError | ChildWorkflowError) and isinstance(error.cause, FailureError):
        error = error.cause
    return error


def fatal(error: FailureError, *details: object) -> ApplicationError:
    """Return the error that ends a workflow of the tree, with the name of the event as its type."""
    cause = root_cause(error)
    return ApplicationError(cause.message, *details, type=event_of(cause), non_retryable=True)


def event_of(cause: FailureError) -> str:
    """Return the name of the event for a failure."""
    match cause:
        case ApplicationError(type=str(name)):
            return name
        case TimeoutError():
            return "TimedOut"
        case TerminatedError():
            return "Terminated"
    return type(cause).__name__


def details(error: BaseException, model: type[M]) -> list[M]:
    """Return the details of a child workflow's failure as models; empty for any other error."""
    cause = error.cause if isinstance(error, ChildWorkflowError) else None
    return [model.model_validate(item) for item in cause.details] if isinstance(cause, ApplicationError) else []


__all__ = ["details", "event_of", "fatal", "is_cancelled_exception", "root_cause"]
