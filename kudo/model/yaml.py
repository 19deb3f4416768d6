"""YAML as Kubernetes reads it, with limits that protect against malicious documents."""

from collections.abc import Iterator
from typing import cast

import yaml
from pydantic import JsonValue
from yaml.nodes import MappingNode, Node, SequenceNode

from kudo.model.scalars import Dumper, LenientLoader, Loader, error_at

MAX_NODES = 200_000
"""Maximum number of values in a document after alias expansion."""

MAX_DEPTH = 100
"""Maximum nesting depth of a document."""

_OPEN = -1


class YamlError(ValueError):
    """A document that cannot be read; the text has the line, if known, and the reason."""


def load_documents(text: str, *, reject_duplicates: bool = True) -> Iterator[tuple[int, JsonValue]]:
    """Yield every document that is not empty, with the line at which it starts.

    Raises YamlError if the text is not valid YAML, has a duplicate key (unless they are accepted), or exceeds a limit.
    """
    try:
        yield from _documents((Loader if reject_duplicates else LenientLoader)(text))
    except yaml.MarkedYAMLError as error:
        raise YamlError(_explain(error)) from None
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from None
    except RecursionError:
        raise YamlError(f"nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, LookupError, TypeError) as error:
        raise YamlError(f"a value does not fit its tag ({error})") from None


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


def load(text: str, *, reject_duplicates: bool = True) -> JsonValue:
    """Return the only document of a text; None if it is empty. Raises YamlError."""
    documents = [document for _, document in load_documents(text, reject_duplicates=reject_duplicates)]
    if len(documents) > 1:
        raise YamlError("contains more than one document")
    return documents[0] if documents else None


def dump(value: object) -> str:
    """Return a value as YAML, with keys in their order; `load` returns the same value."""
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True)


def _check_bounds(root: Node) -> None:
    """Check depth and number of values after alias expansion, without expanding. Raises MarkedYAMLError."""
    sizes: dict[int, int] = {}

    def size(node: Node, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise error_at(node, f"nested deeper than {MAX_DEPTH} levels")
        if sizes.get(id(node)) == _OPEN:
            raise error_at(node, "an alias refers to a value that contains it")
        if id(node) not in sizes:
            sizes[id(node)] = _OPEN
            sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in _children(node))
        if sizes[id(node)] > MAX_NODES:
            raise error_at(node, f"more than {MAX_NODES} values after alias expansion")
        return sizes[id(node)]

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
    return f"{where}{error.problem or error.context}"
