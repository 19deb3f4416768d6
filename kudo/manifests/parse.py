"""Parse rendered templates into Kubernetes objects."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from pydantic import JsonValue

from kudo.errors import ResourceUnmarshalError
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.objects import Object


def parse(rendered: Mapping[str, str], *, named: bool = True) -> list[Object]:
    """Return the objects of rendered templates, in order; empty documents are skipped, lists are expanded.

    Raises ResourceUnmarshalError if a document is not a Kubernetes object. Objects need a name unless `named` is false.
    """
    return [item for name, text in rendered.items() for item in _objects(name, text, named)]


def _objects(name: str, text: str, named: bool) -> Iterator[Object]:
    try:
        # KUDO takes the last value of a duplicate key; packages that rely on it must continue to work.
        for line, document in yaml.load_documents(text, duplicates=[]):
            where = f"templates/{name} (rendered document at line {line})"
            yield from _open(document, where, named)
    except yaml.YamlError as error:
        # Quoted text in the reason, other than YAML's own marks, comes from the rendered text and may be a secret.
        reason = re.sub(r"'([^']*)'", _redact, str(error))
        raise ResourceUnmarshalError(f"templates/{name} did not render to YAML: {reason}") from None


def _redact(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted[1]) < 3 or quoted[1].startswith("<") else "'…'"


def _open(document: JsonValue, where: str, named: bool) -> Iterator[Object]:
    item = Object(cast(Manifest, document) if isinstance(document, dict) else {})
    if not isinstance(document, dict):
        raise ResourceUnmarshalError(f"{where} is {_summary(document)}")
    if not document:
        return
    if item.kind.endswith("List") and "items" in document:
        parts = document["items"] or []
        for part in parts if isinstance(parts, list) else [parts]:
            yield from _open(_with_kind_of(item, part), where, named)
        return
    missing = [field for field, value in _required(item, named) if not value]
    if missing:
        raise ResourceUnmarshalError(f"{where} lacks {' and '.join(missing)}")
    yield item


def _with_kind_of(typed: Object, part: JsonValue) -> JsonValue:
    """Return an item of a list; in a typed one, such as a ConfigMapList, items need no apiVersion and kind."""
    kind = typed.kind.removesuffix("List")
    if not kind or not isinstance(part, dict):
        return part
    return {"apiVersion": typed.api_version, "kind": kind, **part}


def _required(item: Object, named: bool) -> Iterator[tuple[str, str]]:
    yield "apiVersion", item.api_version
    yield "kind", item.kind
    if named:
        yield "metadata.name", item.name


def _summary(document: JsonValue) -> str:
    kind = {list: "a list", str: "a string", bool: "a boolean"}.get(type(document), "a number")
    # The value itself is not shown: it may be a secret.
    return f"{kind}, not a Kubernetes object; check the indentation and the '---' separators"
