"""The conversion of expressions of Go templates to Jinja2, if both certainly have the same value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gotpl.parse import nodes


class NotConvertible(Exception):
    """A part of a Go template without a certain equivalent in Jinja2; `start` is its offset in the source."""

    def __init__(self, subject: str, start: int) -> None:
        super().__init__(subject)
        self.start = start


@dataclass(frozen=True, slots=True)
class Expression:
    """A Jinja2 expression."""

    text: str
    kind: str = "text"
    """text, integer, boolean, array, map, mixed or unknown; root for all variables of a template."""
    atomic: bool = True
    """Whether it needs no parentheses."""

    @property
    def inner(self) -> str:
        """The text as an operand, in parentheses if needed."""
        return self.text if self.atomic else f"({self.text})"

    @property
    def integer(self) -> str:
        """The text as an integer, converted as Sprig converts its operands."""
        return self.inner if self.kind == "integer" else f"({self.inner} | int)"


ROOT = Expression("", "root")

_TEXTS = ("Name", "Namespace", "OperatorName", "OperatorVersion", "AppVersion", "PlanName", "PhaseName", "StepName")
_TAKEN = {*_TEXTS, "Params", "Pipes", "loop", "range", "dict", "cycler", "joiner", "namespace", "true", "false", "none"}
"""Names that a loop variable must not hide."""

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
    """The meaning of names at one point of a template."""

    parameters: Mapping[str, str]
    """Types of the parameters by name."""
    dot: Expression = ROOT
    variables: Mapping[str, Expression] = field(default_factory=dict)
    loops: frozenset[str] = frozenset()
    """Jinja2 names of the variables of the enclosing loops."""

    def with_dot(self, dot: Expression) -> "Scope":
        """Return a scope with this value of the dot."""
        return replace(self, dot=dot)

    def with_variable(self, name: str, value: Expression) -> "Scope":
        """Return a scope with one more variable."""
        return replace(self, variables={**self.variables, name: value})

    def with_loop(self, name: str) -> tuple["Scope", str]:
        """Return a scope with one more loop variable, and its Jinja2 name, which hides no other."""
        variable = name.removeprefix("$")
        while variable in self.loops or variable in _TAKEN:
            variable += "_"
        return replace(self, loops=self.loops | {variable}), variable

    def pipeline(self, node: nodes.PipeNode) -> Expression:
        """Return the value of a pipeline. Raises NotConvertible."""
        value: Expression | None = None
        for command in node.commands:
            value = self._command(command, value)
        if value is None:
            raise NotConvertible("an empty pipeline", node.start)
        return value

    def _command(self, node: nodes.CommandNode, piped: Expression | None) -> Expression:
        first, *rest = node.arguments
        if not isinstance(first, nodes.IdentifierNode):
            if rest or piped is not None:
                raise NotConvertible("a value with arguments", node.start)
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
        raise NotConvertible(f"this form of {type(node).__name__.removesuffix('Node').lower()}", start)

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
        raise NotConvertible(f"the field {'.'.join(path)}, whose type is unknown", start)


def quoted(text: str) -> str:
    """Return a text as a Jinja2 string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _call(name: str, arguments: list[Expression], start: int) -> Expression:
    known = all(argument is not ROOT for argument in arguments)
    for part in (_condition, _calculation, _text):
        if known and (called := part(name, arguments)):
            return called
    raise NotConvertible(f"the function {name} with these arguments", start)


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
    """Return the kind of the result of `and` or `or`, which is one of their arguments."""
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
