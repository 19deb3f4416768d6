"""Go templates with Sprig, for packages of KUDO's own dialect (KUDO's `pkg/engine/renderer/engine.go`)."""

import re
from collections.abc import Callable, Mapping
from functools import partial

import gotpl
import yaml
from gotpl.funcs import sprig

from kudo.model.execution import Variables
from kudo.model.scalars import Dumper
from kudo.templates.engine import MAX_CHARACTERS, rendering_error
from kudo.templates.gousage import go_uses
from kudo.templates.usage import Use

_REMOVED_BY_KUDO = {"env", "expandenv", "base", "dir", "clean", "ext", "isAbs"}

_ALSO_REMOVED = {"osBase", "osDir", "osClean", "osExt", "osIsAbs", "getHostByName"}
"""Sprig's functions of the same kind that KUDO does not remove."""

_CERTIFICATE = ("Cert", "Key")
"""The attributes of certificates, which `genCA` and similar functions return."""

_WHITE_SPACE = frozenset(b"\t\n\v\f\r \x85\xa0")
"""Bytes that Go counts as white space if it reads each as a character."""

_BUDGET = gotpl.ExecutionBudget(
    max_output_chars=MAX_CHARACTERS, max_iterations=1_000_000, max_template_depth=100, max_function_calls=1_000_000
)


def _to_yaml(value: object) -> str:
    # Keys are sorted, as in Go.
    return yaml.dump(value, Dumper=Dumper, allow_unicode=True).removesuffix("...\n")


def go_functions() -> Mapping[str, Callable[..., object]]:
    """Return the functions that templates may call."""
    removed = _REMOVED_BY_KUDO | _ALSO_REMOVED
    functions = {name: function for name, function in sprig.text_func_map().items() if name not in removed}
    return {**functions, "toYaml": _to_yaml, "nospace": partial(_no_space, functions["nospace"])}


def _no_space(library: Callable[..., object], text: object) -> object:
    # Go's library decodes the text byte by byte, and returns it unchanged if no byte is white space; gotpl does not.
    if isinstance(text, str) and not _WHITE_SPACE.intersection(text.encode(errors="surrogatepass")):
        return text
    return library(text)


class GoTemplateEngine:
    """An engine for Go templates; a missing key is an error."""

    def __init__(self) -> None:
        functions = go_functions()
        self._environment = gotpl.Environment(
            functions=functions,
            missing_key="error",
            sandbox=gotpl.SandboxPolicy.strict(
                allow_functions=functions,
                allow_attributes=_CERTIFICATE,
                allow_properties=_CERTIFICATE,
                max_template_chars=MAX_CHARACTERS,
                default_budget=_BUDGET,
            ),
            budget=_BUDGET,
        )

    def render(self, name: str, source: str, variables: Variables) -> str:
        """See Engine.render."""
        template = self._parse(name, source)
        try:
            return template.render(variables)
        except gotpl.TemplateExecutionError as error:
            raise rendering_error(name, error.line, _explain(error.message)) from None

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
            raise rendering_error(name, error.line, reason) from None
        except gotpl.TemplateError as error:
            raise rendering_error(name, None, str(error)) from None


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
