"""Decode the bodies of requests: JSON, YAML and protobuf."""

import json
import re
from typing import Any

import yaml
from aiohttp import web

from kudo.sandbox import protobuf
from kudo.sandbox.objects import Object
from kudo.sandbox.status import bad_request, unsupported_media_type

_JSON = ("application/json", "application/octet-stream", "")
_YAML = ("application/yaml", "application/apply-patch+yaml")
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a timestamp is a string."""


_SURROGATE = re.compile(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
"""A surrogate in an escaped text, which YAML does not have."""

_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


async def read(request: web.Request) -> Any:
    """Read the value in a body. Raises ApiError 400 if it is malformed, 415 if its format is not supported."""
    content_type = request.content_type
    if content_type == protobuf.CONTENT_TYPE:
        return protobuf.decode(await request.read())
    if content_type not in _JSON + _YAML + _PATCHES:
        raise unsupported_media_type(content_type, (_JSON[0], *_YAML, *_PATCHES))
    text = (await request.read()).decode("utf-8", "replace")
    if content_type in _YAML and _SURROGATE.search(text):
        raise bad_request("error decoding YAML: yaml: found invalid Unicode character escape code")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if content_type not in _YAML:
            message = f"couldn't get version/kind; json parse error: {error}"
            raise bad_request(message) from error
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


async def read_object(request: web.Request) -> Object:
    """Read the object in a body.

    Raises ApiError 400 if it is malformed or not an object, 415 if its format is not supported.
    """
    value = await read(request)
    if not isinstance(value, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
    return value


async def read_options(request: web.Request) -> Object:
    """Read the DeleteOptions in a body, or return an empty object if there is no body."""
    return await read_object(request) if request.can_read_body and await request.read() else {}
