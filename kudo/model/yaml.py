"""YAML as kubectl and KUDO read it, with limits that protect against malicious documents."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple, cast

import yaml
from pydantic import JsonValue
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kudo.model.scalars import Dumper, Loader, error_at, number

MAX_NODES = 200_000
"""Maximum number of values in a document after alias expansion."""

MAX_CHARACTERS = 10_000_000
"""Maximum number of characters in the scalars of a document after alias expansion."""

MAX_DEPTH = 100
"""Maximum nesting depth of a document."""

_NO_FOLDING = 2**31
"""The width of a line that no text reaches: a folded text breaks what it is inserted into."""

_SEPARATOR = re.compile(r"^---(?=\S)(.*)$", re.MULTILINE)
"""A separator with text directly behind it."""

_CONTENT = re.compile(r"[\[{\"'&*!|>]|.*:(\s|$)")
"""The beginning of a YAML value other than a plain text."""


class YamlError(ValueError):
    """A document that cannot be read; the text has the line, if known, and the reason."""


def load_documents(text: str, duplicates: list[str] | None = None) -> Iterator[tuple[int, JsonValue]]:
    """Yield every document that is not empty, with the line at which it starts.

    With a list of `duplicates`, duplicate keys are accepted, the last value counts, and the list gets `line N: key`.
    Raises YamlError if the text is not valid YAML, has another duplicate key, or exceeds a limit.
    """
    separated = _SEPARATOR.sub(_separator, text)
    try:
        yield from _documents(Loader(separated, duplicates))
    except yaml.scanner.ScannerError as error:
        document = _json(text)
        if document is None:
            raise YamlError(_explain(error)) from None
        yield 1, document
    except yaml.MarkedYAMLError as error:
        raise YamlError(_explain(error)) from None
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from None
    except RecursionError:
        raise YamlError(f"nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, LookupError, TypeError) as error:
        raise YamlError(f"a value does not fit its tag ({error})") from None


def _separator(found: re.Match[str]) -> str:
    """Return a separator without the text behind it, which kubectl ignores. Raises YamlError if that would be lost."""
    if _CONTENT.match(found[1]) and not found[1].startswith("#"):
        line = found.string.count("\n", 0, found.start()) + 1
        raise YamlError(f"line {line}: '---' must be followed by a line break or a blank")
    return "---"


def _json(text: str) -> JsonValue:
    """Return a JSON document that is no YAML, such as one with a pair of surrogates; None if it is no JSON either."""
    try:
        document: JsonValue = json.loads(text, parse_float=number)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return document


def _documents(loader: Loader) -> Iterator[tuple[int, JsonValue]]:
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


def load(text: str, duplicates: list[str] | None = None) -> JsonValue:
    """Return the only document of a text; None if it is empty. Raises YamlError; see `load_documents`."""
    documents = [document for _, document in load_documents(text, duplicates)]
    if len(documents) > 1:
        raise YamlError("contains more than one document")
    return documents[0] if documents else None


def dump(value: object) -> str:
    """Return a value as YAML, with keys in their order; `load` returns the same value."""
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_NO_FOLDING)


class _Size(NamedTuple):
    """The size of a value after alias expansion."""

    nodes: int
    characters: int


def _check_bounds(root: Node) -> None:
    """Check depth and size after alias expansion, without expanding. Raises MarkedYAMLError."""
    sizes: dict[int, _Size | None] = {}

    def size(node: Node, depth: int) -> _Size:
        if depth > MAX_DEPTH:
            raise error_at(node, f"nested deeper than {MAX_DEPTH} levels")
        if id(node) in sizes:
            known = sizes[id(node)]
            if known is None:
                raise error_at(node, "an alias refers to a value that contains it")
            return known
        sizes[id(node)] = None
        nodes, characters = 1, len(node.value) if isinstance(node, ScalarNode) else 0
        for child in _children(node):
            of_child = size(child, depth + 1)
            nodes, characters = nodes + of_child.nodes, characters + of_child.characters
            # Checked for each child, because the sum of a long list may be huge.
            if nodes > MAX_NODES:
                raise error_at(node, f"more than {MAX_NODES} values after alias expansion")
            if characters > MAX_CHARACTERS:
                raise error_at(node, f"more than {MAX_CHARACTERS:,} characters after alias expansion")
        known = sizes[id(node)] = _Size(nodes, characters)
        return known

    size(root, 0)


def _children(node: Node) -> list[Node]:
    match node:
        case MappingNode():
            return [part for pair in node.value for part in pair]
        case SequenceNode():
            return list(node.value)
    return []


def _explain(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark else ""
    problem = error.problem or error.context
    if problem == "exceeded maximum nesting depth":
        problem = f"nested deeper than {MAX_DEPTH} levels"
    return f"{where}{problem}"
