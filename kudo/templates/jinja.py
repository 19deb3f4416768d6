"""Jinja2 templates, for packages of `kudo.dev/v1`: sandboxed, and whatever is undefined is an error."""

import base64
import hashlib
import json
import traceback
from collections.abc import Callable

import jinja2
import yaml as pyyaml
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue

from kudo.model import values, yaml
from kudo.model.execution import Variables
from kudo.templates.engine import rendering_error


class _Undefined(jinja2.StrictUndefined):
    """Says the name of what is undefined, not the type of what it was looked for in."""

    @property
    def _undefined_message(self) -> str:
        return f"{str(self._undefined_name)!r} is undefined"


def to_yaml(value: JsonValue) -> str:
    """As YAML, without the line break at its end, so that `indent` can follow."""
    return yaml.dump(value).rstrip("\n").removesuffix("\n...")


def boolean(value: JsonValue) -> bool:
    """A parameter of type boolean as true or false: parameters are strings, and every string is true."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in values.BOOLEANS:
        raise jinja2.TemplateRuntimeError(f"{value!r} is neither true nor false")
    return values.BOOLEANS[value]


def quote(value: JsonValue) -> str:
    """In double quotes that YAML reads back as the same string."""
    return json.dumps(value if isinstance(value, str) else to_yaml(value), ensure_ascii=False)


def b64encode(value: str) -> str:
    """Text as base64, for the data of Secrets."""
    return base64.b64encode(value.encode()).decode()


def b64decode(value: str) -> str:
    """Text that was encoded as base64."""
    return base64.b64decode(value).decode()


def sha256(value: str) -> str:
    """The SHA-256 digest of a text, in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def _finalize(value: object) -> object:
    """Print true, false and null as YAML has them, not as Python has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else value


FILTERS: dict[str, Callable[..., object]] = {
    "to_yaml": to_yaml,
    "from_yaml": yaml.load,
    "to_json": json.dumps,
    "from_json": json.loads,
    "bool": boolean,
    "quote": quote,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "sha256": sha256,
}


class JinjaEngine:
    """Renders Jinja2 templates."""

    def __init__(self) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            undefined=_Undefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=_finalize,
            extensions=["jinja2.ext.do"],
        )
        self._environment.filters.update(FILTERS)
        del self._environment.globals["lipsum"]

    def render(self, name: str, source: str, variables: Variables) -> str:
        """See Engine.render."""
        try:
            code = self._environment.compile(source, name, name)
            template = jinja2.Template.from_code(self._environment, code, self._environment.make_globals(None))
            return template.render(variables)
        except jinja2.TemplateSyntaxError as error:
            raise rendering_error(name, error.lineno, error.message or "syntax error") from None
        except (jinja2.TemplateError, *_OF_TEMPLATES) as error:
            raise rendering_error(name, _line(error, name), _explain(error)) from None


_OF_TEMPLATES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
    pyyaml.YAMLError,
)
"""What filters and operators raise for values that they cannot work on."""


def _explain(error: Exception) -> str:
    if isinstance(error, TypeError) and "no loader" in str(error):
        return "a template can neither include, import nor extend another"
    return str(error) or type(error).__name__


def _line(error: Exception, name: str) -> int | None:
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    return frames[-1] if frames else None
