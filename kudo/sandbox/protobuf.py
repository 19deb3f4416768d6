"""The protobuf encoding of a few kinds, for `kubectl create namespace` and the like, which send nothing else.

Other kinds are rejected; clients can create them with JSON (`kubectl create -f`).
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

from kudo.sandbox.objects import Object
from kudo.sandbox.status import bad_request, unsupported_media_type

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

Reader = Callable[[Object, bytes], None]


def decode(body: bytes) -> Object:
    """Return the object in a body. Raises ApiError 400 if it is malformed, 415 if its kind is not supported."""
    try:
        return _decode(body.removeprefix(_MAGIC))
    except (IndexError, UnicodeDecodeError) as error:
        raise bad_request("unable to decode the protobuf message") from error


def _decode(body: bytes) -> Object:
    envelope = dict(_fields(body))
    types = dict(_fields(envelope[1])) if 1 in envelope else {}
    obj: Object = {"apiVersion": types.get(1, b"").decode(), "kind": types.get(2, b"").decode()}
    if obj["kind"] not in _KINDS:
        raise unsupported_media_type(f"{CONTENT_TYPE} ({obj['kind']})", ("application/json", "application/yaml"))
    _read(obj, envelope.get(2, b""), _KINDS[obj["kind"]])
    return obj


def _read(target: Object, message: bytes, readers: dict[int, Reader]) -> None:
    for number, value in _fields(message):
        if number in readers:
            readers[number](target, value)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the length-delimited fields with their numbers; others are skipped, as none of the kinds needs them."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 2:
            length, at = _varint(message, at)
            yield tag >> 3, message[at : at + length]
            at += length
        elif tag & 7 == 0:
            _, at = _varint(message, at)
        else:
            at += 8 if tag & 7 == 1 else 4


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _text(field: str) -> Reader:
    def read(target: Object, value: bytes) -> None:
        if value:
            target[field] = value.decode()

    return read


def _map(field: str, convert: Callable[[bytes], Any] = bytes.decode) -> Reader:
    def read(target: Object, value: bytes) -> None:
        entry = dict(_fields(value))
        target.setdefault(field, {})[entry.get(1, b"").decode()] = convert(entry.get(2, b""))

    return read


def _message(field: str, readers: dict[int, Reader]) -> Reader:
    return lambda target, value: _read(target.setdefault(field, {}), value, readers)


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


# The numbers are those of Kubernetes' generated.proto files.
_METADATA = {
    1: _text("name"),
    2: _text("generateName"),
    3: _text("namespace"),
    11: _map("labels"),
    12: _map("annotations"),
}
_KINDS: dict[str, dict[int, Reader]] = {
    kind: {1: _message("metadata", _METADATA)} | fields
    for kind, fields in {
        "Namespace": {},
        "ServiceAccount": {},
        "ConfigMap": {2: _map("data"), 3: _map("binaryData", _base64)},
        "Secret": {2: _map("data", _base64), 3: _text("type"), 4: _map("stringData")},
    }.items()
}
