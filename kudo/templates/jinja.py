"""Jinja2 templates, for packages of `kudo.dev/v1`: sandboxed, and an undefined variable is an error."""

import base64
import hashlib
import json
import re
import secrets
import string
import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn, TypeVar

import jinja2
import yaml as pyyaml
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue

from kudo.model import values, yaml
from kudo.model.execution import Variables
from kudo.model.suggestion import did_you_mean
from kudo.templates.engine import rendering_error, without_values
from kudo.templates.jinjausage import RANDOM, jinja_uses
from kudo.templates.usage import Use

T = TypeVar("T")


class _Undefined(jinja2.StrictUndefined):
    """An undefined value whose message has the undefined name, but not the type of the value that lacks it."""

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"{str(self._undefined_name)!r} is undefined"

    def fail(self) -> NoReturn:
        """Raise the error that any use of the value raises."""
        self._fail_with_undefined_error()


def _defined(value: T) -> T:
    """Return the value. Raises jinja2.UndefinedError if it, or a part of it, is undefined."""
    if isinstance(value, _Undefined):
        value.fail()
    if isinstance(value, Mapping):
        for item in value.values():
            _defined(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _defined(item)
    return value


class _Environment(ImmutableSandboxedEnvironment):
    """An environment in which keys of a map take precedence over its Python methods: `Params.items` is a parameter."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def to_yaml(value: JsonValue) -> str:
    """Return a value as YAML, without the final line break, so that `indent` can follow."""
    return yaml.dump(value).rstrip("\n").removesuffix("\n...")


def boolean(value: JsonValue) -> bool:
    """Return a boolean parameter as true or false: it is a string, and every string that is not empty is true."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in values.BOOLEANS:
        raise jinja2.TemplateRuntimeError("the value given to `bool` is neither true nor false")
    return values.BOOLEANS[value]


_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON does not escape, but that YAML does not accept or takes for a line break."""


def to_json(value: object) -> str:
    """Return a value as JSON, which is valid YAML."""
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def quote(value: JsonValue) -> str:
    """Return a value as a string in double quotes, which YAML reads back as the same string."""
    return to_json(value if isinstance(value, str) else to_yaml(value))


def b64encode(value: str) -> str:
    """Return a text as base64, for the data of Secrets."""
    return base64.b64encode(value.encode()).decode()


def b64decode(value: str) -> str:
    """Return the text of a base64 string."""
    return base64.b64decode(value).decode()


def sha256(value: str) -> str:
    """Return the SHA-256 digest of a text, in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def _finalize(value: object) -> object:
    """Print null, booleans, lists and maps as YAML, not as Python."""
    if callable(value) and not isinstance(value, jinja2.Undefined):
        raise jinja2.TemplateRuntimeError("a function cannot be printed; call it with ()")
    if value is None or isinstance(value, bool | list | tuple | dict):
        return to_json(_defined(value))
    return value


FILTERS: dict[str, Callable[..., object]] = {
    "to_yaml": to_yaml,
    "from_yaml": yaml.load,
    "to_json": to_json,
    "from_json": json.loads,
    "bool": boolean,
    "quote": quote,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "sha256": sha256,
}


def _strict(function: Callable[..., object]) -> Callable[..., object]:
    """Return the filter as one that raises for an undefined value instead of converting it."""

    @wraps(function)
    def wrapper(value: object, *args: object, **kwargs: object) -> object:
        return function(_defined(value), *args, **kwargs)

    return wrapper


def environment() -> jinja2.Environment:
    """Create the environment in which templates and conditions are compiled."""
    created = _Environment(
        undefined=_Undefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
        extensions=["jinja2.ext.do"],
    )
    created.filters.update({name: _strict(function) for name, function in FILTERS.items()})
    del created.globals["lipsum"]
    created.globals[RANDOM] = _random_alphanumeric
    return created


_ALPHANUMERIC = string.ascii_letters + string.digits

MAX_RANDOM = 4096
"""Most characters of a random text."""


def _random_alphanumeric(length: int = 32) -> str:
    """Return a random text for a password, from a source that cannot be predicted."""
    if not 0 < length <= MAX_RANDOM:
        raise ValueError(f"random_alphanumeric: the length must be between 1 and {MAX_RANDOM}")
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


class JinjaEngine:
    """An engine for Jinja2 templates."""

    def __init__(self) -> None:
        self._environment = environment()

    def render(self, name: str, source: str, variables: Variables) -> str:
        """See Engine.render."""
        template = self._parse(name, source)
        try:
            return template.render(variables)
        except (jinja2.TemplateError, *OF_TEMPLATES) as error:
            reason = without_values(explain(error), source, {**variables})
            raise rendering_error(name, _line(error, name), reason) from None

    def check(self, name: str, source: str) -> None:
        """See Engine.check."""
        self._parse(name, source)

    def uses(self, name: str, source: str) -> list[Use]:
        """See Engine.uses."""
        self._parse(name, source)
        return list(jinja_uses(self._environment.parse(source)))

    def _parse(self, name: str, source: str) -> jinja2.Template:
        try:
            code = self._environment.compile(source, name, name)
        except jinja2.TemplateSyntaxError as error:
            raise rendering_error(name, error.lineno, self._syntax_error(error, source)) from None
        except (SyntaxError, *OF_TEMPLATES) as error:
            raise rendering_error(name, None, explain(error)) from None
        return jinja2.Template.from_code(self._environment, code, self._environment.make_globals(None))

    def _syntax_error(self, error: jinja2.TemplateSyntaxError, source: str) -> str:
        reason = error.message or "syntax error"
        hint = ""
        line = source.splitlines()[error.lineno - 1 : error.lineno]
        if unknown := re.fullmatch(r"No (filter|test) named '(.*)'\.", reason):
            known = self._environment.filters if unknown[1] == "filter" else self._environment.tests
            hint = did_you_mean(unknown[2], known)
        elif line and _OF_GO.search(line[0]):
            hint = "; this is the syntax of Go templates, and packages of kudo.dev/v1 have Jinja2 templates"
        return reason.removesuffix(".") + hint if hint else reason


_OF_GO = re.compile(r"\{\{-? *(\.|\$|(if|else|end|range|with|define|template|block)\b|[a-z]\w* +(\.|\$|\"|[A-Z]))")
"""The beginning of an action that only Go templates have."""

OF_TEMPLATES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
    pyyaml.YAMLError,
)
"""The errors that filters and operators raise for invalid values."""


def explain(error: Exception) -> str:
    """Return the message of an error that a template raised."""
    if isinstance(error, TypeError) and "no loader" in str(error):
        return "a template cannot include, import or extend another"
    return str(error) or type(error).__name__


def _line(error: Exception, name: str) -> int | None:
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    return frames[-1] if frames else None
