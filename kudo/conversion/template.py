"""A Go template as a Jinja2 one."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass

from gotpl.parse import nodes
from gotpl.parse.parser import parse_template

from kudo.conversion.expressions import Expression, NotCertain, Scope

_DELIMITER = re.compile(r"\{[{%#]")


def jinja_of(source: str, parameters: Mapping[str, str], functions: Collection[str], *, exact: bool) -> str:
    """The Jinja2 template that renders to the same; `parameters` are the types by name.

    Lines with nothing but a tag are kept as empty lines only where it has to be `exact`: without, the template is one
    that a person would have written. Raises NotCertain.
    """
    parsed = parse_template(source, functions=functions)
    if parsed.definitions:
        raise NotCertain("a template that is defined", parsed.definitions[0].start)
    written = "".join(_Writer().body(parsed.root, Scope(parameters)))
    return _TAG.sub(lambda tag: _trimmed(tag, exact), written)


_TAG = re.compile(r"\{%\+ (.*?) \+%\}")


def _trimmed(tag: re.Match[str], exact: bool) -> str:
    """A tag with the signs that keep white space around it, where there is some that would be lost."""
    before = tag.string[: tag.start()].rpartition("\n")[2]
    after = tag.string[tag.end() :]
    alone = not before.strip() and after.startswith("\n")
    first = "+" if before.isspace() and (exact or not alone) else ""
    last = "+" if after.startswith("\n") and (exact or not alone) else ""
    return f"{{%{first} {tag[1]} {last}%}}"


class _Writer:
    """Writes Jinja2, with tags that keep all white space around them."""

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
                    yield _printed(scope.pipeline(pipeline), part.start)
                case nodes.IfNode():
                    yield from self._if(part, scope, "if")
                    yield self._tag("endif")
                case nodes.RangeNode():
                    yield from self._for(part, scope)
                case nodes.WithNode():
                    yield from self._with(part, scope)
                case _:
                    kind = type(part).__name__.removesuffix("Node").lower()
                    raise NotCertain(f"a {kind}", part.start)

    def _declared(self, pipeline: nodes.PipeNode, scope: Scope) -> tuple[Scope, str]:
        if pipeline.is_assignment or len(pipeline.declarations) != 1:
            raise NotCertain("a variable that changes", pipeline.start)
        name, value = pipeline.declarations[0].name, scope.pipeline(pipeline)
        # A name for something that does not change: it can stand wherever the name does.
        return scope.with_variable(name, value), ""

    def _if(self, node: nodes.IfNode, scope: Scope, word: str) -> Iterator[str]:
        yield self._tag(f"{word} {_asked(scope.pipeline(node.pipeline), node.start)}")
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
                # The loop's own counter, which a loop in this one would hide.
                if any(isinstance(part, nodes.RangeNode) for part in _all_nodes(node.body)):
                    raise NotCertain("a loop in a loop that counts", node.start)
                inner = inner.with_variable(index, Expression("loop.index0", "integer"))
            case "map", [key, _]:
                inner, own = inner.with_loop(key)
                head = f"for {own}, {item} in {over.text} | dictsort(true)"
                inner = inner.with_variable(key, Expression(own))
            case _:
                raise NotCertain("a loop over something of which the type is not known", node.start)
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
            raise NotCertain("a with that declares a variable", node.start)
        value = scope.pipeline(node.pipeline)
        yield self._tag(f"if {_asked(value, node.start)}")
        yield from self.body(node.body, scope.with_dot(value))
        if node.else_body is not None:
            yield self._tag("else")
            yield from self.body(node.else_body, scope)
        yield self._tag("endif")


def _item_kind(over: Expression) -> str:
    return "integer" if over.text.startswith("range(") else "unknown"


def _asked(value: Expression, start: int) -> str:
    """As a condition; what is empty is false in both."""
    if value.kind in ("root", "unknown"):
        raise NotCertain("a condition of which the type is not known", start)
    return value.text


def _printed(value: Expression, start: int) -> str:
    """As output; of what is no text each language has its own way."""
    if value.kind not in ("text", "integer"):
        raise NotCertain(f"a value of the type {value.kind} that is printed", start)
    return f"{{{{ {value.text} }}}}"


def _escaped(text: str) -> str:
    """Text as it is, also where Jinja2 would take it for its own."""
    return _DELIMITER.sub(lambda found: "{{ '" + found[0] + "' }}", text)


def _all_nodes(node: object) -> Iterator[object]:
    """A node and everything below it."""
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from _all_nodes(part)
    elif is_dataclass(node):
        for part in fields(node):
            yield from _all_nodes(getattr(node, part.name))
