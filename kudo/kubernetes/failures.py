"""Which of the Kubernetes API's answers are fatal, and which are transient: the one table, with its reasons.

| answer | meaning for a plan | because |
|---|---|---|
| no connection, time-out | transient | the API is restarting or the network is |
| 408, 410, 429, 5xx | transient | the API is overloaded or failing, or has forgotten, and says so itself |
| 409 | transient | someone else wrote at the same time; the next try sees what they wrote |
| 401, 403 | fatal after a grace | credentials, roles and quotas arrive late, but seldom minutes late |
| 404 of a namespace or kind | fatal after a grace | namespaces and CRDs arrive late, too |
| 400, 413, 422 and all other 4xx | fatal | the same object will be rejected for ever |
| 422 of immutable fields alone | fatal | but its template may ask for the object to be deleted and made anew |
| 500 of a typed patch or a conversion | fatal | how an apply answers a manifest that its kind is not made of |
"""

import re

from kudo.errors import (
    AccessDenied,
    ClusterUnavailable,
    ConflictError,
    ImmutableField,
    KindNotFound,
    KudoError,
    NamespaceNotFound,
    ResourceValidationError,
)
from kudo.model.limits import API_MESSAGE_CHARACTERS
from kudo.model.objects import Object

_IMMUTABLE = re.compile(
    r"immutable|may not (be )?change|updates to .* are forbidden|cannot be changed", re.DOTALL | re.IGNORECASE
)
"""How the API says that a field cannot change, in its many ways."""

_QUOTED = re.compile(
    r"""
      Invalid\ value:\ [\w.*]*[{\[].*[}\]]:\    # a whole pod, with what is in its environment
    | Invalid\ value:\ null:\                  # one that it does not care to show
    | \n@@.*                                  # what of a pod was to change
    | ,\ got\ &?(value\.|\{|\[|map\[).*          # a value of the wrong type
    """,
    re.VERBOSE | re.DOTALL,
)
"""What the API quotes of an object: too long to read, and possibly secret."""


_DENIED = re.compile("denied (the )?request")
"""How webhooks and policies say no; the rest of the sentence is whatever their author has written."""


def failure(code: int, status: Object, what: str, *, secret: bool = False) -> KudoError:
    """The error for an answer that is no success.

    `status` is the API's `Status` object, empty where it sent none; `what` says what was tried. Of what the API quotes
    of the object only short values are left, and of a Secret none.
    """
    words = _fields(status) if secret and _may_quote(code, status) else _words(status)
    message = f"{what}: {words[:API_MESSAGE_CHARACTERS] or f'the Kubernetes API answered {code}'}"
    return _kind(code, status)(message)


def _may_quote(code: int, status: Object) -> bool:
    """Whether the API's words may quote any value; who may not do something is told without."""
    return code not in (401, 403, 404, 409, 429) or bool(_DENIED.search(status.text("message")))


def _kind(code: int, status: Object) -> type[KudoError]:
    if code in (401, 403):
        return AccessDenied
    if code == 404:
        return NamespaceNotFound if status.text("details", "kind") == "namespaces" else KindNotFound
    if code == 409:
        return ConflictError
    if code >= 500 and _does_not_fit(status):
        return ResourceValidationError
    if code in (408, 410, 429) or code >= 500:
        return ClusterUnavailable
    if code == 422 and _is_immutable(status):
        return ImmutableField
    return ResourceValidationError


def _does_not_fit(status: Object) -> bool:
    """Whether an object is not what its kind is made of, which an apply calls an internal error."""
    message = status.text("message")
    return "typed patch object" in message or "failed to convert new object" in message


def _is_immutable(status: Object) -> bool:
    """Whether nothing is wrong with an object but that it cannot become what it shall be."""
    found = _causes(status)
    return bool(found) and all(_IMMUTABLE.search(cause.text("message")) for cause in found)


def _causes(status: Object) -> list[Object]:
    return status.children("details", "causes")


def _words(status: Object) -> str:
    """The API's own words, without what they quote of the object."""
    message = status.text("message")
    for cause in _causes(status):
        said = cause.text("message")
        message = message.replace(said, _QUOTED.sub("", said))
    return _QUOTED.sub("", message)


def _fields(status: Object) -> str:
    if _does_not_fit(status):
        return _words(status)
    causes = [field for cause in _causes(status) if (field := cause.text("field"))]
    return f"{status.text('reason')} ({', '.join(causes)})" if causes else status.text("reason")
