"""Errors of Temporal's server, translated in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.service import RPCError, RPCStatusCode

from kudo.errors import KudoError, TemporalUnavailable

_UNAVAILABLE = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


@contextmanager
def translated_errors(
    *, not_found: KudoError | None = None, namespace_not_found: KudoError | None = None
) -> Iterator[None]:
    """Run the body; raise TemporalUnavailable for an RPCError of the server.

    Raises `not_found` instead if a workflow does not exist, and `namespace_not_found` if the Temporal namespace does
    not: the server gives both the same status.
    """
    try:
        yield
    except RPCError as error:
        is_namespace = "namespace" in error.message.lower()
        missing = namespace_not_found if is_namespace else not_found
        raise (missing if missing and error.status is RPCStatusCode.NOT_FOUND else unavailable(error)) from None


def unavailable(error: RPCError) -> TemporalUnavailable:
    """Return the error for a request that Temporal did not answer, or rejected."""
    verb = "did not answer" if error.status in _UNAVAILABLE else "rejected the request"
    return TemporalUnavailable(f"Temporal {verb}: {error.message}")
