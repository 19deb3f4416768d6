"""Go templates with Sprig, for packages of KUDO's own dialect (KUDO's `pkg/engine/renderer/engine.go`)."""

import re

import gotpl
from gotpl.parse.nodes import CommandNode, IdentifierNode, ParenthesizedNode, PipeNode, TermNode
from gotpl.parse.parser import _Parser
from pydantic import JsonValue

from kudo.model.execution import Variables
from kudo.model.suggestion import did_you_mean
from kudo.templates.engine import MAX_CHARACTERS, VARIABLES, rendering_error, without_values
from kudo.templates.gofunctions import SEMVER_FIELDS, SEMVER_METHODS, TIME_METHODS, go_functions
from kudo.templates.gousage import go_uses
from kudo.templates.usage import Use

_CERTIFICATE = ("Cert", "Key")
"""The attributes of certificates, which `genCA` and similar functions return."""

_BUDGET = gotpl.ExecutionBudget(
    max_output_chars=MAX_CHARACTERS, max_iterations=1_000_000, max_template_depth=100, max_function_calls=1_000_000
)


def _parse_term(self: _Parser) -> TermNode:
    """Parse a term as Go does: a field may follow the name of a function, as in `now.Unix`."""
    term = _library_parse_term(self)
    if not isinstance(term, IdentifierNode):
        return term
    fields, end = self.collect_following_fields(term.end)
    if not fields:
        return term
    call = CommandNode((term,), term.start, term.end)
    return ParenthesizedNode(PipeNode((), False, (call,), term.start, term.end), fields, term.start, end)


_library_parse_term = _Parser.parse_term
_Parser.parse_term = _parse_term  # type: ignore[method-assign]


def _with_floats(value: JsonValue) -> JsonValue:
    """Return a value with its integers as floats, as which Go reads the numbers of arrays and maps."""
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case dict():
            return {key: _with_floats(item) for key, item in value.items()}
        case list():
            return [_with_floats(item) for item in value]
    return value


class GoTemplateEngine:
    """An engine for Go templates; a missing key is an error."""

    def __init__(self) -> None:
        functions = go_functions()
        self._environment = gotpl.Environment(
            functions=functions,
            missing_key="error",
            sandbox=gotpl.SandboxPolicy.strict(
                allow_functions=functions,
                allow_attributes=(*_CERTIFICATE, *SEMVER_FIELDS),
                allow_properties=_CERTIFICATE,
                allow_methods=(*SEMVER_METHODS, *TIME_METHODS),
                max_template_chars=MAX_CHARACTERS,
                default_budget=_BUDGET,
            ),
            budget=_BUDGET,
        )

    def render(self, name: str, source: str, variables: Variables) -> str:
        """See Engine.render."""
        template = self._parse(name, source)
        try:
            return template.render(_with_floats({**variables}))
        except gotpl.TemplateExecutionError as error:
            reason = without_values(_explain(error.message), source, {**variables})
            raise rendering_error(name, error.line, reason) from None

    def check(self, name: str, source: str) -> None:
        """See Engine.check."""
        self._parse(name, source)

    def uses(self, name: str, source: str) -> list[Use]:
        """See Engine.uses."""
        self._parse(name, source)
        return list(go_uses(source, go_functions()))

    def _parse(self, name: str, source: str) -> gotpl.Template:
        try:
            return self._environment.from_string(source, name=name)
        except gotpl.TemplateSyntaxError as error:
            reason = re.sub(r"^template:\d+:\d+: ", "", str(error))
            raise rendering_error(name, error.line, reason + _hint(reason, source, error.line)) from None
        except gotpl.TemplateError as error:
            raise rendering_error(name, None, str(error)) from None


_OF_JINJA = re.compile(r"\{\{[^}]*(==|!=|\w\(|\bif\b[^}]*\belse\b)|\{%")
"""Parts of expressions that only Jinja2 has."""


def _hint(reason: str, source: str, line: int | None) -> str:
    """Return what may have been meant by a template that cannot be parsed."""
    if unknown := re.fullmatch(r"function '(.*)' not defined", reason):
        if unknown[1] in VARIABLES:
            return f"; did you mean .{unknown[1]}?"
        if suggestion := did_you_mean(unknown[1], go_functions()):
            return suggestion
    lines = source.splitlines()[(line or 0) - 1 : line] if line else []
    if lines and _OF_JINJA.search(lines[0]):
        return "; this is the syntax of Jinja2, and packages of kudo.dev/v1beta1 have Go templates"
    return ""


def _explain(message: str) -> str:
    if undefined := re.fullmatch(r"missing key or attribute '(.*)'", message):
        return f"{undefined[1]!r} is undefined"
    if attribute := re.fullmatch(r"attribute '(.*)' is not allowed", message):
        return f"{attribute[1]!r} is read from a value that is not a map"
    if failed := re.fullmatch(r"function '(.*?)' failed: (.*)", message, re.DOTALL):
        function, reason = failed[1], failed[2] or "out of memory"
        # The message of `fail` is the author's; other functions may quote a parameter, which may be a secret.
        quotes = function != "fail" and re.search(r"[\"'`:]", reason)
        return (
            f"function {function!r} failed for its arguments" if quotes else f"function {function!r} failed: {reason}"
        )
    return message
