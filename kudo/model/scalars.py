"""PyYAML loaders and a dumper that read and write YAML as Go's library yaml.v2 does, which KUDO and kubectl use.

Go's library is a translation of libyaml, so its parser reads the documents. PyYAML and Go's library resolve plain
scalars differently: `2020-01-01` and `12:30:00` are strings in Go, `1e3` and `y` are not. Tags that are not known are
ignored. Keys are always strings, and every value can be represented in JSON.
"""

import base64
import math
import re
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import yaml
from yaml._yaml import CEmitter, CParser
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.representer import SafeRepresenter
from yaml.resolver import Resolver

_JSON_TAGS = ("null", "bool", "int", "float", "str", "seq", "map")


class Loader(CParser, SafeConstructor, Resolver):
    """Loader that resolves plain scalars as Go does and rejects duplicate keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    yaml_constructors = {
        tag: SafeConstructor.yaml_constructors[tag] for tag in (f"tag:yaml.org,2002:{name}" for name in _JSON_TAGS)
    }
    bool_values = {**SafeConstructor.bool_values, "y": True, "n": False}

    def __init__(self, text: str, duplicates: list[str] | None = None) -> None:
        """With a list of `duplicates`, the last value of a duplicate key counts, and the list gets `line N: key`."""
        self._duplicates = duplicates
        CParser.__init__(self, text)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[str, Any]:  # type: ignore[override]
        self.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node), key_node)
            if key in result and not getattr(node, "merged", False):
                self._found_twice(key, key_node)
            result[key] = self.construct_object(value_node, deep=deep)
        return result

    def _found_twice(self, key: str, node: Node) -> None:
        if self._duplicates is None:
            raise error_at(node, f"duplicate key {key!r}")
        self._duplicates.append(f"line {node.start_mark.line + 1}: duplicate key {key!r}")

    def flatten_mapping(self, node: MappingNode) -> None:
        # Merged pairs come first and the node's own pairs override them, so equal keys are not duplicates.
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            node.merged = True  # type: ignore[attr-defined]
        super().flatten_mapping(node)


class Dumper(yaml.SafeDumper):
    """Dumper that quotes each string that Loader would not read back as the same string."""

    yaml_implicit_resolvers = Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: object) -> bool:
        return True


class GoDumper(CEmitter, SafeRepresenter, Resolver):
    """Dumper that writes what Go's yaml.v2 writes, which is a translation of the same emitter."""

    yaml_implicit_resolvers = Loader.yaml_implicit_resolvers

    def __init__(self, stream: Any, **options: Any) -> None:
        CEmitter.__init__(self, stream, width=options["width"], allow_unicode=options["allow_unicode"])
        SafeRepresenter.__init__(self, default_flow_style=False)
        Resolver.__init__(self)

    def ignore_aliases(self, data: object) -> bool:
        return True

    def tag_of(self, text: str) -> str:
        """Return the tag of a plain scalar with this text."""
        return str(self.resolve(ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]


def error_at(node: Node, text: str) -> yaml.MarkedYAMLError:
    """Return an error with the position of a node."""
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)


def _key(key: object, node: Node) -> str:
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case int() | float():
            return str(key)
    raise error_at(node, "a key must be a string, number or boolean")


def _text(loader: Loader, node: ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _float(loader: Loader, node: ScalarNode) -> float | int | str:
    text = str(loader.construct_scalar(node))
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        raise error_at(node, f"{text} cannot be represented in JSON")
    return number(text)


def number(text: str) -> float | int | str:
    """Return the value of a number with a point or an exponent; the text itself if it is too large for a float."""
    value = float(text.replace("_", ""))
    if not math.isfinite(value):
        return text
    # Go writes whole numbers without a decimal point, and integer fields of objects accept no other form. From 1e21 on,
    # Go's JSON encoder writes an exponent.
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _integer(loader: Loader, node: ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    if re.fullmatch(r"0[0-7]+", digits):
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _binary(loader: Loader, node: ScalarNode) -> str:
    try:
        return base64.b64decode(str(loader.construct_scalar(node)), validate=False).decode()
    except ValueError:
        raise error_at(node, "the content of !!binary is not base64 of a text") from None


def _untagged(loader: Loader, node: Node) -> object:
    """Return a value whose tag is not known as it would be without the tag; a scalar is a string then."""
    match node:
        case MappingNode():
            return loader.construct_mapping(node, deep=True)
        case SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case ScalarNode():
            return _text(loader, node)
    raise error_at(node, f"a value with the tag {node.tag} cannot be read")


def _text_node(dumper: Dumper, value: str) -> ScalarNode:
    # Every other style folds a next-line character away.
    style = '"' if "\x85" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[-+][0-9:]+)?)?"
)
"""Texts that are strings in Go, and numbers and dates for other readers of YAML 1.1; Go quotes them."""


def _go_text(dumper: GoDumper, value: str) -> ScalarNode:
    if "\n" in value:
        style = "|"
    elif (
        dumper.tag_of(value) == "tag:yaml.org,2002:str" and not _BASE_60.fullmatch(value) and not _DATE.fullmatch(value)
    ):
        style = None
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _go_float(dumper: GoDumper, value: float) -> ScalarNode:
    text = go_float(value)
    return dumper.represent_scalar(dumper.tag_of(text), text)


def go_float(value: float) -> str:
    """Return a float as Go's strconv.FormatFloat(value, 'g', -1, 64)."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, point = "".join(map(str, digits)), len(digits) + exponent
    minus = "-" if sign else ""
    if value and not -4 <= point - 1 < _LARGEST_EXPONENT:
        fraction = f".{text[1:]}" if text[1:] else ""
        return f"{minus}{text[0]}{fraction}e{point - 1:+03}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}" if value else f"{minus}0"
    whole = text[:point].ljust(point, "0")
    return f"{minus}{whole}.{text[point:]}" if text[point:] else f"{minus}{whole}"


_LARGEST_EXPONENT = 6
"""Go writes numbers from 10 to this power on with an exponent."""


def _go_map(dumper: GoDumper, value: dict[object, object]) -> MappingNode:
    keys = sorted(value, key=cmp_to_key(lambda a, b: _compare(str(a), str(b))))
    return dumper.represent_mapping("tag:yaml.org,2002:map", [(key, value[key]) for key in keys])


def _compare(a: str, b: str) -> int:
    """Compare two keys as Go's yaml.v2 does: letters come after other characters, and numbers count as such."""
    for index, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            continue
        if x.isalpha() and y.isalpha():
            return -1 if x < y else 1
        if x.isalpha() or y.isalpha():
            return 1 if x.isalpha() else -1
        leading = "1" if "0" in (x, y) and _follows_digits(a[:index]) else ""
        first, second = _digits(a[index:]), _digits(b[index:])
        numbers = int(leading + first or "0"), int(leading + second or "0")
        if numbers[0] != numbers[1]:
            return -1 if numbers[0] < numbers[1] else 1
        if len(first) != len(second):
            return -1 if len(first) < len(second) else 1
        return -1 if x < y else 1
    return len(a) - len(b)


def _follows_digits(text: str) -> bool:
    """Whether a text ends with a number that is not zero."""
    return bool(text[len(text.rstrip("0123456789")) :].strip("0"))


def _digits(text: str) -> str:
    return text[: len(text) - len(text.lstrip("0123456789"))][:18]


def _resolve(tag: str, pattern: str, first: str) -> None:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), [*first, ""])


_resolve("null", r"~|null|Null|NULL|", "~nN")
_resolve("bool", r"y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF", "yYnNoO")
_resolve("bool", r"true|True|TRUE|false|False|FALSE", "tTfF")
_resolve("int", r"[-+]?(?:0b_*+[01][01_]*+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789")
_resolve("float", r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+0123456789.")
_resolve("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+.")
_resolve("merge", r"<<", "<")
Loader.yaml_constructors |= {
    "tag:yaml.org,2002:str": _text,
    "tag:yaml.org,2002:float": _float,
    "tag:yaml.org,2002:int": _integer,
    "tag:yaml.org,2002:binary": _binary,
    None: _untagged,
}
Dumper.add_representer(str, _text_node)
GoDumper.add_representer(str, _go_text)
GoDumper.add_representer(float, _go_float)
GoDumper.add_representer(dict, _go_map)
