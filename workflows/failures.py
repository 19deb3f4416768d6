"""What a failure in the tree means, and how it is passed on."""

from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    TerminatedError,
    TimeoutError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from kudo.model.base import Model

M = TypeVar("M", bound=Model)


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


def details(error: BaseException, model: type[M]) -> list[M]:
    """What a child workflow's failure carries as details."""
    cause = error.cause if isinstance(error, ChildWorkflowError) else None
    return [model.model_validate(item) for item in cause.details] if isinstance(cause, ApplicationError) else []


__all__ = ["details", "event_of", "fatal", "is_cancelled_exception", "root_cause"]
