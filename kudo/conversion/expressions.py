"""Expressions of Go templates as Jinja2 ones, as far as both certainly mean the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gotpl.parse import nodes


class NotCertain(Exception):
    """Something that cannot be said in Jinja2 with certainty; `start` is where in the source it is."""

    def __init__(self, reason: str, start: int) -> None:
        super().__init__(reason)
        self.start = start


@dataclass(frozen=True, slots=True)
class Expression:
    """A Jinja2 expression."""

    text: str
    kind: str = "text"
    """text, integer, boolean, array, map; or root, for the whole of what a template is given."""
    atomic: bool = True
    """Whether it needs no parentheses."""

    @property
    def inner(self) -> str:
        """As a part of another expression."""
        return self.text if self.atomic else f"({self.text})"

    @property
    def integer(self) -> str:
        """As a number, the way Sprig converts what it calculates with."""
        return self.inner if self.kind == "integer" else f"({self.inner} | int)"


ROOT = Expression("", "root")

_TEXTS = ("Name", "Namespace", "OperatorName", "OperatorVersion", "AppVersion", "PlanName", "PhaseName", "StepName")
_TAKEN = {*_TEXTS, "Params", "Pipes", "loop", "range", "dict", "cycler", "joiner", "namespace", "true", "false", "none"}
"""What means something in Jinja2."""

_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_CALCULATIONS = {"add": "+", "sub": "-", "mul": "*"}
_FILTERS = {
    "quote": "quote",
    "upper": "upper",
    "lower": "lower",
    "trim": "trim",
    "b64enc": "b64encode",
    "sha256sum": "sha256",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of a template stand for where something is said."""

    parameters: Mapping[str, str]
    """The parameters, with their types."""
    dot: Expression = ROOT
    variables: Mapping[str, Expression] = field(default_factory=dict)
    loops: frozenset[str] = frozenset()
    """The names that loops around have given."""

    def with_dot(self, dot: Expression) -> "Scope":
        return replace(self, dot=dot)

    def with_variable(self, name: str, value: Expression) -> "Scope":
        return replace(self, variables={**self.variables, name: value})

    def with_loop(self, name: str) -> tuple["Scope", str]:
        """A name of a loop that hides none of those around it."""
        own = name.removeprefix("$")
        while own in self.loops or own in _TAKEN:
            own += "_"
        return replace(self, loops=self.loops | {own}), own

    def pipeline(self, node: nodes.PipeNode) -> Expression:
        """The value of a pipeline, whatever it is given to."""
        value: Expression | None = None
        for command in node.commands:
            value = self._command(command, value)
        if value is None:
            raise NotCertain("an empty pipeline", node.start)
        return value

    def _command(self, node: nodes.CommandNode, piped: Expression | None) -> Expression:
        first, *rest = node.arguments
        if not isinstance(first, nodes.IdentifierNode):
            if rest or piped is not None:
                raise NotCertain("a value that is called", node.start)
            return self._term(first)
        arguments = [self._term(argument) for argument in rest]
        if piped is not None:
            arguments.append(piped)
        return _call(first.name, arguments, first.start)

    def _term(self, node: object) -> Expression:
        match node:
            case nodes.StringNode(value=value):
                return Expression(quoted(value))
            case nodes.NumberNode(text=text) if text.isdigit():
                return Expression(text, "integer")
            case nodes.BoolNode(value=value):
                return Expression(str(value).lower(), "boolean")
            case nodes.FieldNode(fields=path, start=start):
                return self._field(self.dot, path, start)
            case nodes.DotNode(start=start):
                return self.dot
            case nodes.VariableNode(name="$", fields=path, start=start):
                return self._field(ROOT, path, start)
            case nodes.VariableNode(name=name, fields=path, start=start) if name in self.variables:
                return self._field(self.variables[name], path, start)
            case nodes.ParenthesizedNode(pipeline=pipeline, fields=()):
                return self.pipeline(pipeline)
        start = getattr(node, "start", 0)
        raise NotCertain(f"{type(node).__name__.removesuffix('Node').lower()} of a sort that is left to you", start)

    def _field(self, of: Expression, path: tuple[str, ...], start: int) -> Expression:
        if not path:
            return of
        match path if of is ROOT else ():
            case ("Params", name) if name in self.parameters:
                kind = self.parameters[name]
                return Expression(f"Params.{name}", kind if kind in ("array", "map") else "text")
            case ("Pipes", name):
                return Expression(f"Pipes.{name}")
            case (name,) if name in _TEXTS:
                return Expression(name)
        raise NotCertain(f"the field {'.'.join(path)}, of which the type is not known", start)


def quoted(text: str) -> str:
    """A text as Jinja2 writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _call(name: str, arguments: list[Expression], start: int) -> Expression:
    known = all(argument is not ROOT for argument in arguments)
    for part in (_condition, _calculation, _text):
        if known and (called := part(name, arguments)):
            return called
    raise NotCertain(f"the function {name} for what it is called with", start)


def _condition(name: str, arguments: list[Expression]) -> Expression | None:
    match name, arguments:
        case _, [left, right] if name in _COMPARISONS and left.kind == right.kind and left.kind in ("text", "integer"):
            return Expression(f"{left.inner} {_COMPARISONS[name]} {right.inner}", "boolean", atomic=False)
        case (("and" | "or"), [_, _, *_]):
            text = f" {name} ".join(argument.inner for argument in arguments)
            return Expression(text, _kind(arguments), atomic=False)
        case "not", [only]:
            return Expression(f"not {only.inner}", "boolean", atomic=False)
    return None


def _kind(arguments: list[Expression]) -> str:
    """What `and` and `or` return is one of their arguments."""
    kinds = {argument.kind for argument in arguments}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _calculation(name: str, arguments: list[Expression]) -> Expression | None:
    if any(argument.kind not in ("text", "integer") for argument in arguments):
        return None
    match name, arguments:
        case (("int" | "int64" | "atoi"), [only]):
            return Expression(only.integer, "integer")
        case _, [_, _, *_] if name in _CALCULATIONS:
            text = f" {_CALCULATIONS[name]} ".join(argument.integer for argument in arguments)
            return Expression(text, "integer", atomic=False)
        case ("until", [_]) | ("untilStep", [_, _, _]):
            return Expression(f"range({', '.join(argument.integer for argument in arguments)})", "array")
    return None


def _text(name: str, arguments: list[Expression]) -> Expression | None:
    kinds = [argument.kind for argument in arguments]
    match name, arguments, kinds:
        case "toYaml", [only], ["array" | "map"]:
            return Expression(f"{only.inner} | to_yaml", atomic=False)
        case "indent", [width, text], ["integer", "text"]:
            return Expression(f"{text.inner} | indent({width.text}, true, true)", atomic=False)
        case "default", [fallback, value], ["text", "text"]:
            return Expression(f"{value.inner} | default({fallback.text}, true)", atomic=False)
        case "replace", [old, new, text], ["text", "text", "text"]:
            return Expression(f"{text.inner} | replace({old.text}, {new.text})", atomic=False)
        case _, [only], ["text"] if name in _FILTERS:
            return Expression(f"{only.inner} | {_FILTERS[name]}", atomic=False)
    return None
