"""Fault injection, for tests of clients."""

from collections.abc import Callable
from dataclasses import dataclass

from kudo.sandbox.status import ApiError


@dataclass
class _Failure:
    left: int
    status: int
    reason: str
    method: str | None
    path_contains: str | None
    message: str
    retry_after: int | None

    def matches(self, method: str, path: str) -> bool:
        return (
            self.left > 0
            and self.method in (None, method)
            and (self.path_contains is None or self.path_contains in path)
        )


class Faults:
    """The faults of a sandbox."""

    def __init__(self, cut: Callable[[], None], compact: Callable[[], None]) -> None:
        self._cut = cut
        self._compact = compact
        self._failures: list[_Failure] = []
        self._away = False

    def fail(
        self,
        n: int,
        status: int = 503,
        reason: str = "ServiceUnavailable",
        method: str | None = None,
        path_contains: str | None = None,
        message: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Fail the next `n` matching requests with this `Status`; `path_contains` is matched with path and query."""
        text = message or f"injected fault of the sandbox: {status} {reason}"
        self._failures.append(_Failure(n, status, reason, method, path_contains, text, retry_after))

    def drop_watches(self) -> None:
        """End all open watches."""
        self._cut()

    def compact(self) -> None:
        """Discard the history, so that a watch from an older resourceVersion gets 410."""
        self._compact()

    @property
    def away(self) -> bool:
        """Whether the API is unreachable: every connection is dropped without a response, and watches are ended."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        if away:
            self._cut()

    def check(self, method: str, path: str) -> None:
        """Count a request. Raises ApiError if it has to fail."""
        failure = next((item for item in self._failures if item.matches(method, path)), None)
        if failure is None:
            return
        failure.left -= 1
        self._failures = [item for item in self._failures if item.left > 0]
        after = failure.retry_after
        details = {} if after is None else {"retryAfterSeconds": after}
        raise ApiError(failure.status, failure.reason, failure.message, details)
