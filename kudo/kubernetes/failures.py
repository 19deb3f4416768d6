"""The one table of failures: which responses of the Kubernetes API are fatal, which are transient, and why.

| response | meaning for a plan | reason |
|---|---|---|
| no connection, timeout | transient | the API restarts, or the network fails |
| 429, 502 to 504 | transient | the API is overloaded or away; no attempt of the task is counted |
| 408, 410, other 5xx | transient | the API is failing, or the requested version has expired |
| 409 | transient | another client wrote at the same time; the next attempt reads what it wrote |
| 401 | transient | credentials rotate, and identity providers fail; no attempt of the task is counted |
| 403 | fatal after a grace | roles and quotas may be created late, but rarely minutes late |
| 404 of a namespace or kind | fatal after a grace | namespaces and CRDs may be created late, too |
| 400, 413, 422 and all other 4xx | fatal | the same object will always be rejected |
| 422 of immutable fields alone | fatal | but an annotation of the object may request that it is recreated |
| 500 of a typed patch or a conversion | fatal | the manifest does not match the schema of its kind |
"""

import re
from datetime import timedelta

from kudo.errors import (
    AccessDenied,
    ApiOutage,
    ClusterUnavailable,
    ConflictError,
    ImmutableField,
    KindNotFound,
    KudoError,
    NamespaceNotFound,
    ResourceValidationError,
    Unauthenticated,
)
from kudo.model.limits import API_MESSAGE_CHARACTERS
from kudo.model.objects import Object

MAX_RETRY_AFTER = 300
"""Longest time, in seconds, for which the API may ask to wait before the next attempt."""

_IMMUTABLE = re.compile(
    r"""immutable
    | may\ not\ (be\ )?change
    | cannot\ (be\ )?(change|update)
    | must\ not\ be\ (change|update)
    | updates\ to\ .{0,1000}?\ are\ forbidden
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
"""Messages of the API, also of older versions, about a field that cannot change."""

_WHOLE = re.compile(r"Invalid value: [\w.*]*[{\[]")
"""Begins a value that is a whole object, such as a pod with its environment; it ends with the last `}: ` or `]: `."""

_NULL = re.compile(r"Invalid value: null: ")
"""A value that the API does not show."""

_REST = re.compile(r"\n@@|, got &?(value\.|\{|\[|map\[)")
"""Begins a diff of a pod, or a value of the wrong type, up to the end of the message."""


_DENIED = re.compile("denied (the )?request")
"""The message of a webhook or policy that denies a request; its author wrote the rest of the sentence."""


def failure(code: int, status: Object, action: str, *, secret: bool = False) -> KudoError:
    """Return the error for a response that is not a success.

    `status` is the API's `Status` object, empty if it sent none; `action` names the request, such as `reading Pod a/b`.
    Of the values that the API quotes from the object, the message keeps short ones, and none of a Secret.
    """
    text = _fields(status) if secret and _may_quote(code, status) else _text(status)
    message = f"{action}: {text[:API_MESSAGE_CHARACTERS] or f'the Kubernetes API responded with status {code}'}"
    error = _kind(code, status)(message)
    if delay := status.integer("details", "retryAfterSeconds"):
        error.retry_after = timedelta(seconds=min(delay, MAX_RETRY_AFTER))
    return error


def _may_quote(code: int, status: Object) -> bool:
    """Whether the message may quote a value; a response about permissions, for example, does not."""
    return code not in (401, 403, 404, 409, 429) or bool(_DENIED.search(status.text("message")))


def _kind(code: int, status: Object) -> type[KudoError]:
    if code == 401:
        return Unauthenticated
    if code == 403:
        return AccessDenied
    if code == 404:
        return NamespaceNotFound if status.text("details", "kind") == "namespaces" else KindNotFound
    if code == 409:
        return ConflictError
    if code >= 500 and _does_not_fit(status):
        return ResourceValidationError
    if code in (429, 502, 503, 504):
        return ApiOutage
    if code in (408, 410) or code >= 500:
        return ClusterUnavailable
    if code == 422 and _is_immutable(status):
        return ImmutableField
    return ResourceValidationError


def _does_not_fit(status: Object) -> bool:
    """Whether an object does not match the schema of its kind, which an apply reports as an internal error."""
    message = status.text("message")
    return "typed patch object" in message or "failed to convert new object" in message


def _is_immutable(status: Object) -> bool:
    """Whether changes of immutable fields are the only problems of an object."""
    found = _causes(status)
    return bool(found) and all(_IMMUTABLE.search(cause.text("message")) for cause in found)


def _causes(status: Object) -> list[Object]:
    return status.children("details", "causes")


def _text(status: Object) -> str:
    """Return the message of the API, without the parts that quote the object."""
    message = status.text("message")
    for cause in _causes(status):
        detail = cause.text("message")
        message = message.replace(detail, _unquoted(detail))
    return _unquoted(message)


def _unquoted(message: str) -> str:
    """Return a message without the parts that quote the object: too long to read, and possibly secret."""
    message = _NULL.sub("", message)
    if begin := _WHOLE.search(message):
        end = max(message.rfind("}: ", begin.end()), message.rfind("]: ", begin.end()))
        message = message[: begin.start()] + (message[end + len("}: ") :] if end >= 0 else "")
    if rest := _REST.search(message):
        message = message[: rest.start()]
    return message


def _fields(status: Object) -> str:
    if _does_not_fit(status):
        return _text(status)
    causes = [field for cause in _causes(status) if (field := cause.text("field"))]
    return f"{status.text('reason')} ({', '.join(causes)})" if causes else status.text("reason")
