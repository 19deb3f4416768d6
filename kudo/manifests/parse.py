"""From rendered templates to Kubernetes objects."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from pydantic import JsonValue

from kudo.errors import ResourceUnmarshalError
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.objects import Object


def parse(rendered: Mapping[str, str], *, named: bool = True) -> list[Object]:
    """Read the objects of rendered templates, in order; empty documents are skipped, lists are opened.

    Raises ResourceUnmarshalError where something is no Kubernetes object; unless they are `named` later, each needs a
    name.
    """
    return [item for name, text in rendered.items() for item in _objects(name, text, named)]


def _objects(name: str, text: str, named: bool) -> Iterator[Object]:
    try:
        # Of a key that is there twice KUDO takes the last one, and packages that work must go on working.
        for line, document in yaml.load_documents(text, reject_duplicates=False):
            where = f"templates/{name} (document at line {line} of what was rendered)"
            yield from _open(document, where, named)
    except yaml.YamlError as error:
        # What is quoted in the reason, other than YAML's own marks, was rendered and may be a secret.
        reason = re.sub(r"'([^']*)'", _mark, str(error))
        raise ResourceUnmarshalError(f"templates/{name} did not render to YAML: {reason}") from None


def _mark(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted[1]) < 3 or quoted[1].startswith("<") else "'…'"


def _open(document: JsonValue, where: str, named: bool) -> Iterator[Object]:
    item = Object(cast(Manifest, document) if isinstance(document, dict) else {})
    if not isinstance(document, dict):
        raise ResourceUnmarshalError(f"{where} is no Kubernetes object, but {_summary(document)}")
    if not document:
        return
    if item.kind.endswith("List") and "items" in document:
        parts = document["items"] or []
        for part in parts if isinstance(parts, list) else [parts]:
            yield from _open(part, where, named)
        return
    missing = [field for field, value in _required(item, named) if not value]
    if missing:
        raise ResourceUnmarshalError(f"{where} lacks {' and '.join(missing)}")
    yield item


def _required(item: Object, named: bool) -> Iterator[tuple[str, str]]:
    yield "apiVersion", item.api_version
    yield "kind", item.kind
    if named:
        yield "metadata.name", item.name


def _summary(document: JsonValue) -> str:
    kind = {list: "a list", str: "a string", bool: "a boolean"}.get(type(document), "a number")
    # The text may hold a secret, so it is not shown.
    return f"{kind}; is an indentation or a '---' missing?"
