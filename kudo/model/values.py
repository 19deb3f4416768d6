"""Parameter values: strings in an Instance; arrays and maps are unwrapped for templates.

As in KUDO's `pkg/util/convert`, only arrays and maps are unwrapped: `true` and `3` reach templates as strings.
"""

import math
import re

from pydantic import JsonValue

from kudo.model import yaml
from kudo.model.parameter_types import ParameterType
from kudo.model.parameters import Parameter

BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""The strings that Go's ParseBool accepts, with their values."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_NUMBER = re.compile(r"[-+]?([0-9]++(\.[0-9]*+)?|\.[0-9]++)([eE][-+]?[0-9]++)?")
"""The quantifiers are possessive: with others, the time to refuse a long value would grow with its square."""

_INT64 = range(-(2**63), 2**63)


def wrap(value: JsonValue, kind: ParameterType) -> str | None:
    """Return a YAML value as the string that an Instance stores; None for null."""
    if kind in ("array", "map"):
        return value if isinstance(value, str) else yaml.dump(value)
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case str() | int():
            return str(value)
    return yaml.dump(value)


def unwrap(value: str | None, kind: ParameterType) -> JsonValue:
    """Return a value as templates see it; without a value, an array or map is empty.

    Raises YamlError for an array or map that is not valid YAML.
    """
    if kind not in ("array", "map"):
        return value or ""
    loaded = yaml.load(value or "")
    if loaded is None:
        return [] if kind == "array" else {}
    return loaded


def problem(parameter: Parameter, value: str) -> str | None:
    """Return why a value is invalid for a parameter, without the value, which may be secret; None if it is valid."""
    expected = _expected_type(value, parameter.type)
    if expected:
        return f"must be {expected}"
    if parameter.enum is not None and value not in parameter.enum:
        return f"must be one of {', '.join(parameter.enum)}"
    return None


def _expected_type(value: str, kind: ParameterType) -> str | None:
    """Return the expected type if a value does not have it; None if it has."""
    match kind:
        case "integer":
            return None if _INTEGER.fullmatch(value) and int(value) in _INT64 else "an integer"
        case "number":
            return None if _NUMBER.fullmatch(value) and math.isfinite(float(value)) else "a number"
        case "boolean":
            return None if value in BOOLEANS else "true or false"
        case "array":
            return None if isinstance(_yaml(value), list) else "a YAML list"
        case "map":
            return None if isinstance(_yaml(value), dict) else "a YAML map"
    return None


def _yaml(value: str) -> JsonValue:
    try:
        return yaml.load(value)
    except yaml.YamlError:
        return None
