"""Go templates with Sprig, for KUDO's own packages (KUDO's `pkg/engine/renderer/engine.go`)."""

import re
from collections.abc import Callable, Mapping

import gotpl
import yaml
from gotpl.funcs import sprig

from kudo.model.execution import Variables
from kudo.templates.engine import rendering_error

_REMOVED_BY_KUDO = {"env", "expandenv", "base", "dir", "clean", "ext", "isAbs"}

_ALIKE = {"osBase", "osDir", "osClean", "osExt", "osIsAbs", "getHostByName"}
"""What Sprig has of the same sort, or got later."""

_CERTIFICATE = ("Cert", "Key")
"""What `genCA` and its like return."""

_BUDGET = gotpl.ExecutionBudget(
    max_output_chars=4_000_000, max_iterations=1_000_000, max_template_depth=100, max_function_calls=1_000_000
)


def _to_yaml(value: object) -> str:
    # Keys are sorted, as Go does it.
    return yaml.safe_dump(value, default_flow_style=False, allow_unicode=True)


def _functions() -> Mapping[str, Callable[..., object]]:
    removed = _REMOVED_BY_KUDO | _ALIKE
    functions = {name: function for name, function in sprig.text_func_map().items() if name not in removed}
    return {**functions, "toYaml": _to_yaml}


class GoTemplateEngine:
    """Renders Go templates; a missing key is an error."""

    def __init__(self) -> None:
        functions = _functions()
        self._environment = gotpl.Environment(
            functions=functions,
            missing_key="error",
            sandbox=gotpl.SandboxPolicy.strict(
                allow_functions=functions,
                allow_attributes=_CERTIFICATE,
                allow_properties=_CERTIFICATE,
                max_template_chars=4_000_000,
                default_budget=_BUDGET,
            ),
            budget=_BUDGET,
        )

    def render(self, name: str, source: str, variables: Variables) -> str:
        """See Engine.render."""
        try:
            return self._environment.from_string(source, name=name).render(variables)
        except gotpl.TemplateSyntaxError as error:
            reason = re.sub(r"^template:\d+:\d+: ", "", str(error))
            raise rendering_error(name, error.line, reason) from None
        except gotpl.TemplateExecutionError as error:
            raise rendering_error(name, error.line, _explain(error.message)) from None


def _explain(message: str) -> str:
    undefined = re.fullmatch(r"missing key or attribute '(.*)'", message)
    return f"{undefined[1]!r} is undefined" if undefined else message
