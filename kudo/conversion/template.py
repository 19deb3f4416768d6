"""The conversion of a Go template to Jinja2."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass

from gotpl.parse import nodes
from gotpl.parse.parser import parse_template

from kudo.conversion.expressions import Expression, NotConvertible, Scope

_DELIMITER = re.compile(r"\{[{%#]")


def jinja_of(source: str, parameters: Mapping[str, str], functions: Collection[str], *, exact: bool) -> str:
    """Return the Jinja2 template that renders to the same text; `parameters` are the types by name.

    A line that contains only a tag renders to an empty line if `exact`, and to nothing otherwise, as in a template
    that a person would write. Raises NotConvertible.
    """
    parsed = parse_template(source, functions=functions)
    if parsed.definitions:
        raise NotConvertible("the definition of a template", parsed.definitions[0].start)
    written = "".join(_Writer().body(parsed.root, Scope(parameters)))
    return _TAG.sub(lambda tag: _trimmed(tag, exact), written)


_TAG = re.compile(r"\{%\+ (.*?) \+%\}")


def _trimmed(tag: re.Match[str], exact: bool) -> str:
    """Return a tag with a `+` on each side where `trim_blocks` or `lstrip_blocks` would remove white space."""
    before = tag.string[: tag.start()].rpartition("\n")[2]
    after = tag.string[tag.end() :]
    alone = not before.strip() and after.startswith("\n")
    first = "+" if before.isspace() and (exact or not alone) else ""
    last = "+" if after.startswith("\n") and (exact or not alone) else ""
    return f"{{%{first} {tag[1]} {last}%}}"


class _Writer:
    """Writes Jinja2, with tags that keep all white space around them (`{%+ … +%}`)."""

    def _tag(self, text: str) -> str:
        return f"{{%+ {text} +%}}"

    def body(self, node: nodes.ListNode, scope: Scope) -> Iterator[str]:
        for part in node.nodes:
            match part:
                case nodes.TextNode(text=text):
                    yield _escaped(text)
                case nodes.ActionNode(pipeline=pipeline) if pipeline.declarations:
                    scope, text = self._declared(pipeline, scope)
                    yield text
                case nodes.ActionNode(pipeline=pipeline):
                    yield _output(scope.pipeline(pipeline), part.start)
                case nodes.IfNode():
                    yield from self._if(part, scope, "if")
                    yield self._tag("endif")
                case nodes.RangeNode():
                    yield from self._for(part, scope)
                case nodes.WithNode():
                    yield from self._with(part, scope)
                case _:
                    kind = type(part).__name__.removesuffix("Node").lower()
                    raise NotConvertible(f"a {kind}", part.start)

    def _declared(self, pipeline: nodes.PipeNode, scope: Scope) -> tuple[Scope, str]:
        if pipeline.is_assignment or len(pipeline.declarations) != 1:
            raise NotConvertible("a variable that is reassigned", pipeline.start)
        name, value = pipeline.declarations[0].name, scope.pipeline(pipeline)
        # The value never changes, so it replaces the variable wherever that is used.
        return scope.with_variable(name, value), ""

    def _if(self, node: nodes.IfNode, scope: Scope, word: str) -> Iterator[str]:
        yield self._tag(f"{word} {_condition(scope.pipeline(node.pipeline), node.start)}")
        yield from self.body(node.body, scope)
        match node.else_body:
            case None:
                return
            case nodes.ListNode(nodes=(nodes.IfNode() as chained,)):
                yield from self._if(chained, scope, "elif")
            case other:
                yield self._tag("else")
                yield from self.body(other, scope)

    def _for(self, node: nodes.RangeNode, scope: Scope) -> Iterator[str]:
        over = scope.pipeline(node.pipeline)
        names = [variable.name for variable in node.pipeline.declarations]
        scope, item = scope.with_loop(names[-1] if names else "item")
        inner = scope.with_dot(Expression(item, _item_kind(over)))
        match over.kind, names:
            case "array", [] | [_]:
                head = f"for {item} in {over.text}"
            case "array", [index, _]:
                head = f"for {item} in {over.text}"
                # An inner loop would hide the `loop.index0` of this one.
                if any(isinstance(part, nodes.RangeNode) for part in _all_nodes(node.body)):
                    raise NotConvertible("a loop inside a loop with an index", node.start)
                inner = inner.with_variable(index, Expression("loop.index0", "integer"))
            case "map", [key, _]:
                inner, variable = inner.with_loop(key)
                head = f"for {variable}, {item} in {over.text} | dictsort(true)"
                inner = inner.with_variable(key, Expression(variable))
            case _:
                raise NotConvertible(f"this form of loop over a value of type {over.kind}", node.start)
        if names:
            inner = inner.with_variable(names[-1], Expression(item, _item_kind(over)))
        yield self._tag(head)
        yield from self.body(node.body, inner)
        if node.else_body is not None:
            yield self._tag("else")
            yield from self.body(node.else_body, scope)
        yield self._tag("endfor")

    def _with(self, node: nodes.WithNode, scope: Scope) -> Iterator[str]:
        if node.pipeline.declarations:
            raise NotConvertible("a `with` that declares a variable", node.start)
        value = scope.pipeline(node.pipeline)
        yield self._tag(f"if {_condition(value, node.start)}")
        yield from self.body(node.body, scope.with_dot(value))
        if node.else_body is not None:
            yield self._tag("else")
            yield from self.body(node.else_body, scope)
        yield self._tag("endif")


def _item_kind(over: Expression) -> str:
    return "integer" if over.text.startswith("range(") else "unknown"


def _condition(value: Expression, start: int) -> str:
    """Return a value as a condition; empty values are false in both languages."""
    if value.kind in ("root", "unknown"):
        raise NotConvertible("a condition whose type is unknown", start)
    return value.text


def _output(value: Expression, start: int) -> str:
    """Return a tag that prints a value; other types than text and integer print differently in both languages."""
    if value.kind not in ("text", "integer"):
        raise NotConvertible(f"the output of a value of type {value.kind}", start)
    return f"{{{{ {value.text} }}}}"


def _escaped(text: str) -> str:
    """Return text with Jinja2's delimiters escaped."""
    return _DELIMITER.sub(lambda found: "{{ '" + found[0] + "' }}", text)


def _all_nodes(node: object) -> Iterator[object]:
    """Yield a node and all nodes below it."""
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from _all_nodes(part)
    elif is_dataclass(node):
        for part in fields(node):
            yield from _all_nodes(getattr(node, part.name))
