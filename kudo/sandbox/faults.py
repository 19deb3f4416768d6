"""Trouble on demand, for tests of clients."""

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
    """The trouble that a sandbox makes."""

    def __init__(self, cut: Callable[[], None], forget: Callable[[], None]) -> None:
        self._cut = cut
        self._forget = forget
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
        """Answer the next `n` matching requests with this `Status`; `path_contains` sees the query as well."""
        text = message or f"the sandbox was told to answer {status} {reason}"
        self._failures.append(_Failure(n, status, reason, method, path_contains, text, retry_after))

    def drop_watches(self) -> None:
        """Cut all open watches."""
        self._cut()

    def compact(self) -> None:
        """Forget the history: a watch from an older version gets 410."""
        self._forget()

    @property
    def away(self) -> bool:
        """While set, every request's connection is dropped without an answer, and there are no watches."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        if away:
            self._cut()

    def check(self, method: str, path: str) -> None:
        """Count a request. ApiError if it is to fail."""
        failure = next((item for item in self._failures if item.matches(method, path)), None)
        if failure is None:
            return
        failure.left -= 1
        self._failures = [item for item in self._failures if item.left > 0]
        after = failure.retry_after
        details = {} if after is None else {"retryAfterSeconds": after}
        raise ApiError(failure.status, failure.reason, failure.message, details)
