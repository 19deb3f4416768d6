"""Find the variables that a Go template uses, from its syntax tree."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, is_dataclass

from gotpl.parse import nodes
from gotpl.parse.parser import parse_template

from kudo.templates.usage import Use


def go_uses(source: str, functions: Collection[str]) -> Iterator[Use]:
    """Yield every variable that a template uses; not `certain` in `range`, `with` or `define`, which change the dot."""
    parsed = parse_template(source, functions=functions)
    walk = _Walk(source)
    yield from walk.node(parsed.root, True)
    for definition in parsed.definitions:
        yield from walk.node(definition, False)


@dataclass(frozen=True, slots=True)
class _Walk:
    source: str

    def node(self, node: object, root: bool, tested: bool = False) -> Iterator[Use]:
        match node:
            case nodes.FieldNode(fields=path, start=start):
                yield Use(path, self.line(start), certain=root, tested=tested and root)
            case nodes.VariableNode(name="$", fields=path, start=start) if path:
                yield Use(path, self.line(start), tested=tested)
            case nodes.CommandNode(arguments=arguments):
                yield from self.command(arguments, root, tested)
            case nodes.PipeNode(commands=commands):
                for command in commands:
                    yield from self.node(command, root, tested and len(commands) == 1)
            case nodes.IfNode():
                yield from self.node(node.pipeline, root, True)
                yield from self.parts((node.body, node.else_body), root)
            case nodes.WithNode() | nodes.RangeNode() | nodes.BlockNode():
                yield from self.node(node.pipeline, root)
                yield from self.node(node.body, False)
                yield from self.node(getattr(node, "else_body", None), root)
            case _:
                yield from self.parts(_below(node), root)

    def parts(self, found: Collection[object], root: bool) -> Iterator[Use]:
        for part in found:
            yield from self.node(part, root)

    def command(self, arguments: tuple[object, ...], root: bool, tested: bool) -> Iterator[Use]:
        match arguments:
            case (
                nodes.IdentifierNode(name="index"),
                nodes.FieldNode(fields=path, start=start),
                nodes.StringNode(value=key),
                *rest,
            ):
                yield Use((*path, key), self.line(start), certain=root, tested=tested and not rest)
                yield from self.parts(rest, root)
            case (nodes.IdentifierNode(name="and" | "or" | "not"), *parts):
                for part in parts:
                    yield from self.node(part, root, True)
            case (only,):
                yield from self.node(only, root, tested)
            case _:
                yield from self.parts(arguments, root)

    def line(self, start: int) -> int:
        return self.source.count("\n", 0, start) + 1


def _below(node: object) -> Collection[object]:
    """Return the children of a node that has no case of its own."""
    if isinstance(node, tuple):
        return node
    return [getattr(node, field.name) for field in fields(node)] if is_dataclass(node) else ()
