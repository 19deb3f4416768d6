"""Which of the Kubernetes API's answers are fatal, and which are transient: the one table, with its reasons.

| answer | meaning for a plan | because |
|---|---|---|
| no connection, time-out | transient | the API is restarting or the network is |
| 408, 410, 429, 5xx | transient | the API is overloaded or failing, or has forgotten, and says so itself |
| 409 | transient | someone else wrote at the same time; the next try sees what they wrote |
| 401, 403 | fatal after a grace | credentials, roles and quotas arrive late, but seldom minutes late |
| 404 of a namespace or kind | fatal after a grace | namespaces and CRDs arrive late, too |
| 400, 413, 422 and all other 4xx | fatal | the same object will be rejected for ever |
| 500 of a typed patch | fatal | how some versions answer a manifest with a field that its kind does not have |
"""

from kudo.errors import (
    AccessDenied,
    ClusterUnavailable,
    ConflictError,
    KindNotFound,
    KudoError,
    NamespaceNotFound,
    ResourceValidationError,
)
from kudo.model.objects import Object

MAX_MESSAGE = 2000
"""Characters of the API's own words that are passed on; a failure in Temporal has to stay small."""


def failure(code: int, status: Object, what: str, *, secret: bool = False) -> KudoError:
    """The error for an answer that is no success.

    `status` is the API's `Status` object, empty where it sent none; `what` says what was tried. The words of the
    API are left out where they may quote a Secret.
    """
    words = _fields(status) if secret else status.text("message")
    message = f"{what}: {words[:MAX_MESSAGE] or f'the Kubernetes API answered {code}'}"
    return _kind(code, status)(message)


def _kind(code: int, status: Object) -> type[KudoError]:
    if code in (401, 403):
        return AccessDenied
    if code == 404:
        return NamespaceNotFound if status.text("details", "kind") == "namespaces" else KindNotFound
    if code == 409:
        return ConflictError
    if code >= 500 and "typed patch object" in status.text("message"):
        return ResourceValidationError
    if code in (408, 410, 429) or code >= 500:
        return ClusterUnavailable
    return ResourceValidationError


def _fields(status: Object) -> str:
    causes = [cause.text("field") for cause in status.children("details", "causes")]
    return f"{status.text('reason')} ({', '.join(causes)})" if causes else status.text("reason")
