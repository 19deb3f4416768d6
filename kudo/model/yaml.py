"""YAML as Kubernetes reads it, with bounds against documents that are made to hurt.

Go's YAML library, and so KUDO and kubectl, differ from PyYAML in what a plain scalar is: `2020-01-01` and
`12:30:00` are strings, `1e3` is a number, and keys are always strings.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, cast

import yaml
from pydantic import JsonValue
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_NODES = 200_000
"""How many values a document may have once its aliases are written out."""

MAX_DEPTH = 100
"""How deep a document may be nested."""

_OPEN = -1


class YamlError(ValueError):
    """A document that cannot be read; the text says where and why."""


class _Loader(yaml.SafeLoader):
    """SafeLoader with Go's plain scalars."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    reject_duplicates = True

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[str, Any]:  # type: ignore[override]
        self.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node), key_node)
            if key in result and self.reject_duplicates and not getattr(node, "merged", False):
                raise _problem(key_node, f"the key {key!r} is there twice")
            result[key] = self.construct_object(value_node, deep=deep)
        return result

    def flatten_mapping(self, node: MappingNode) -> None:
        # A merge key puts the merged pairs first, so that the node's own override them: no duplicates.
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            node.merged = True  # type: ignore[attr-defined]
        super().flatten_mapping(node)


class _LenientLoader(_Loader):
    reject_duplicates = False


def _float(loader: _Loader, node: ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    value = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        raise _problem(node, f"{node.value} has no place in JSON")
    return value


def _integer(loader: _Loader, node: ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    if re.fullmatch(r"0[0-7]+", digits):
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN")
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile(r"^$")))
_resolve("bool", r"^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$", "yYnNoO")
_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("int", r"^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$", "-+0123456789")
_resolve(
    "float",
    r"^(?:[-+]?(?:\.[0-9]+|[0-9][0-9_]*\.[0-9]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    "-+0123456789.",
)
_resolve("merge", r"^(?:<<)$", "<")
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_LenientLoader.yaml_constructors = _Loader.yaml_constructors


def _key(key: object, node: Node) -> str:
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case int() | float():
            return str(key)
    raise _problem(node, "a key must be a string")


def load_documents(text: str, *, reject_duplicates: bool = True) -> Iterator[tuple[int, JsonValue]]:
    """Read every document that is not empty, with the line at which it starts.

    Raises YamlError where the text is no YAML, has a key twice, or is out of bounds.
    """
    try:
        yield from _documents((_Loader if reject_duplicates else _LenientLoader)(text))
    except yaml.MarkedYAMLError as error:
        raise YamlError(_explain(error)) from None
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from None
    except RecursionError:
        raise YamlError(f"nested deeper than {MAX_DEPTH} levels") from None


def _documents(loader: _Loader) -> Iterator[tuple[int, JsonValue]]:
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                _check_bounds(node)
                document = loader.construct_document(node)
                if document is not None:
                    yield node.start_mark.line + 1, cast(JsonValue, document)
    finally:
        loader.dispose()


def load(text: str, *, reject_duplicates: bool = True) -> JsonValue:
    """Read the only document of a text; None where it is empty. Raises YamlError."""
    documents = [document for _, document in load_documents(text, reject_duplicates=reject_duplicates)]
    if len(documents) > 1:
        raise YamlError("holds more than one document")
    return documents[0] if documents else None


def dump(value: object) -> str:
    """As YAML, in the order given."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _check_bounds(root: Node) -> None:
    """Count the values with all aliases written out, without writing them out."""
    sizes: dict[int, int] = {}

    def size(node: Node, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise _problem(node, f"nested deeper than {MAX_DEPTH} levels")
        if sizes.get(id(node)) == _OPEN:
            raise _problem(node, "an alias stands for something that contains it")
        if id(node) not in sizes:
            sizes[id(node)] = _OPEN
            sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in _children(node))
        if sizes[id(node)] > MAX_NODES:
            raise _problem(node, f"more than {MAX_NODES} values once its aliases are written out")
        return sizes[id(node)]

    size(root, 0)


def _children(node: Node) -> list[Node]:
    match node:
        case MappingNode():
            return [part for pair in node.value for part in pair]
        case SequenceNode():
            return list(node.value)
    return []


def _problem(node: Node, text: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)


def _explain(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}{error.problem or error.context}"
