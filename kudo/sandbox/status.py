"""The errors of the API, as `Status` objects."""

from collections.abc import Sequence
from dataclasses import dataclass

from kudo.sandbox.objects import Object
from kudo.sandbox.resources import Resource


class ApiError(Exception):
    """An error that a client receives as a `Status`."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def status(self) -> Object:
        """Return the `Status` object."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        return status | ({"details": self.details} if self.details else {})


@dataclass(frozen=True)
class Cause:
    """A `StatusCause` of a validation: the field, the reason and the message."""

    field: str
    reason: str
    message: str


def required(field: str, message: str = "") -> Cause:
    """Create the cause for a field that is required."""
    return Cause(field, "FieldValueRequired", f"Required value{': ' if message else ''}{message}")


def bad_value(field: str, value: object, message: str) -> Cause:
    """Create the cause for a value that is invalid."""
    shown = f'"{value}"' if isinstance(value, str) else value
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {message}")


def not_allowed(field: str, message: str) -> Cause:
    """Create the cause for a value or a change that is forbidden."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {message}")


def qualified(name: str, group: str) -> str:
    """Return a resource or kind with its group, in the form of messages."""
    return f"{name}.{group}" if group else name


def _details(resource: Resource, name: str, kind: str = "") -> Object:
    details = {"name": name, "group": resource.group, "kind": kind or resource.plural}
    return {key: value for key, value in details.items() if value}


def unknown_path() -> ApiError:
    """Create the error 404 for a path that is not served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: Resource, name: str) -> ApiError:
    """Create the error 404 for an object that does not exist."""
    message = f'{qualified(resource.plural, resource.group)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(resource, name))


def namespace_missing(name: str) -> ApiError:
    """Create the error 404 for a write to a namespace that does not exist."""
    message = f'namespaces "{name}" not found'
    return ApiError(404, "NotFound", message, {"name": name, "kind": "namespaces"})


def namespace_terminating(resource: Resource, name: str, namespace: str) -> ApiError:
    """Create the error 403 for an object that is created in a namespace that is being deleted."""
    subject = qualified(resource.plural, resource.group)
    reason = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    details = _details(resource, name) | {"causes": [cause]}
    return ApiError(403, "Forbidden", f'{subject} "{name}" is forbidden: {reason}', details)


def service_account_missing(resource: Resource, name: str, namespace: str, account: str) -> ApiError:
    """Create the error 403 for a pod whose service account does not exist."""
    reason = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
    subject = qualified(resource.plural, resource.group)
    return ApiError(403, "Forbidden", f'{subject} "{name}" is forbidden: {reason}', _details(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """Create the error 409 for a name that is taken."""
    message = f'{qualified(resource.plural, resource.group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(resource, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(resource: Resource, name: str, why: str = MODIFIED) -> ApiError:
    """Create the error 409 for a write that is based on an outdated version."""
    subject = qualified(resource.plural, resource.group)
    message = f'Operation cannot be fulfilled on {subject} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """Create the error 422 for an object with missing, invalid or forbidden fields."""
    found = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
    subject = qualified(resource.kind, resource.group)
    details = _details(resource, name, resource.kind) | {"causes": [vars(cause) for cause in causes]}
    return ApiError(422, "Invalid", f'{subject} "{name}" is invalid: {listed}', details)


def bad_request(message: str) -> ApiError:
    """Create the error 400 for a malformed request."""
    return ApiError(400, "BadRequest", message)


def method_not_allowed() -> ApiError:
    """Create the error 405 for a verb that the resource does not support."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)


def unsupported_media_type(sent: str, accepted: Sequence[str]) -> ApiError:
    """Create the error 415 for a body in a format that is not supported."""
    message = f"the body of the request was in an unknown format - {sent!r}; accepted: {', '.join(accepted)}"
    return ApiError(415, "UnsupportedMediaType", message)


def expired(message: str) -> ApiError:
    """Create the error 410 for a resourceVersion that is too old."""
    return ApiError(410, "Expired", message)
