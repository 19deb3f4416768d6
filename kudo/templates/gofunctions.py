"""Functions of Go templates where the library gotpl differs from Go and Sprig.

Each difference was found by comparing with Go's own engine (see `tests/templates/test_go_engine.py`).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial, wraps

import yaml
from gotpl.funcs import sprig
from gotpl.funcs.sprig import dates
from gotpl.funcs.sprig.semver import Version, semver
from gotpl.runtime.gofmt import GoFormatSpec, sprintf
from gotpl.runtime.values import UNTYPED_NIL

from kudo.model.scalars import GoDumper

Function = Callable[..., object]

_REMOVED_BY_KUDO = {"env", "expandenv", "base", "dir", "clean", "ext", "isAbs"}

_ALSO_REMOVED = {"osBase", "osDir", "osClean", "osExt", "osIsAbs", "getHostByName"}
"""Sprig's functions of the same kind that KUDO does not remove."""

_OF_NIL = ("dict", "set", "list", "append", "push", "prepend", "toJson", "toPrettyJson", "toRawJson")
"""Functions for which `nil` is an ordinary value."""

_OF_LISTS = ("compact", "initial", "mustRegexFindAll", "regexFindAll", "rest", "reverse", "slice", "uniq", "without")
"""Functions that return a list; where that is nil in Go, the library returns None, which has no length."""

_OF_MAPS = {
    **dict.fromkeys(("keys", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"), slice(0, None)),
    **dict.fromkeys(("get", "hasKey", "omit", "pick", "set", "unset", "values"), slice(0, 1)),
    "pluck": slice(1, None),
}
"""Functions that take maps alone, with the positions of these arguments; the library accepts other values for some."""

_OF_INTEGERS = ("add", "add1", "biggest", "div", "int", "int64", "max", "min", "mod", "mul", "sub")
"""Functions that read texts as decimal integers; one that is none counts as 0."""

_OF_TIMES = ("now", "toDate", "mustToDate", "dateModify", "date_modify", "mustDateModify", "must_date_modify")
"""Functions that return a time."""

_WHITE_SPACE = frozenset(b"\t\n\v\f\r \x85\xa0")
"""Bytes that Go counts as white space if it reads each as a character."""


def go_functions() -> Mapping[str, Function]:
    """Return the functions that templates may call, besides those of Go itself."""
    removed = _REMOVED_BY_KUDO | _ALSO_REMOVED
    functions: dict[str, Function] = {n: f for n, f in sprig.text_func_map().items() if n not in removed}
    functions |= {name: _with_times(functions[name]) for name in ("toJson", "toPrettyJson", "toRawJson")}
    functions |= {name: _with_nil(functions[name]) for name in _OF_NIL if name in functions}
    functions |= {name: _with_list(functions[name]) for name in _OF_LISTS if name in functions}
    functions |= {name: _nil_of_empty(functions[name]) for name in ("initial", "rest")}
    functions |= {name: _with_maps(functions[name], which) for name, which in _OF_MAPS.items() if name in functions}
    functions |= {name: _with_decimals(functions[name]) for name in _OF_INTEGERS}
    functions |= {"mustToDate": dates.must_to_date, "mustDateModify": dates.must_date_modify}
    functions |= {name: _with_time(functions[name]) for name in _OF_TIMES if name in functions}
    return {
        **functions,
        "ceil": partial(_ceil, functions["ceil"]),
        "nospace": partial(_no_space, functions["nospace"]),
        "printf": _printf,
        "semver": _semver,
        "toYaml": _with_nil(_to_yaml),
    }


def _to_yaml(value: object) -> str:
    return yaml.dump(value, Dumper=GoDumper, width=-1, allow_unicode=True).removesuffix("...\n")


def _ceil(library: Function, value: object) -> object:
    result = library(value)
    # Go keeps the sign of a number that becomes zero.
    return -0.0 if result == 0 and library(_negated(value)) != 0 and str(value).startswith("-") else result


def _negated(value: object) -> object:
    return str(value).removeprefix("-") if isinstance(value, int | float | str) else value


def _no_space(library: Function, text: object) -> object:
    # Go's library decodes the text byte by byte, and returns it unchanged if no byte is white space; gotpl does not.
    if isinstance(text, str) and not _WHITE_SPACE.intersection(text.encode(errors="surrogatepass")):
        return text
    return library(text)


def _with_nil(function: Function) -> Function:
    @wraps(function)
    def with_nil(*args: object) -> object:
        return function(*(None if arg is UNTYPED_NIL else arg for arg in args))

    return with_nil


def _with_maps(function: Function, which: slice) -> Function:
    @wraps(function)
    def with_maps(*args: object) -> object:
        given = list(args)
        for position in range(len(given))[which]:
            if given[position] is None or given[position] is UNTYPED_NIL:
                given[position] = {}
            elif not isinstance(given[position], Mapping):
                raise TypeError("an argument is not a map")
        return function(*given)

    return with_maps


def _with_decimals(function: Function) -> Function:
    @wraps(function)
    def with_decimals(*args: object) -> object:
        return function(*(_decimal(arg) if isinstance(arg, str) else arg for arg in args))

    return with_decimals


def _decimal(text: str) -> int:
    # strconv.ParseInt accepts neither white space nor underscores, which int() does.
    value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII) else 0
    return value if -(2**63) <= value < 2**63 else 0


class _NilList(list[object]):
    """A nil slice of Go: a list without items, which is null in JSON."""


def _with_list(function: Function) -> Function:
    @wraps(function)
    def with_list(*args: object) -> object:
        result = function(*args)
        return _NilList() if result is None else result

    return with_list


def _nil_of_empty(function: Function) -> Function:
    @wraps(function)
    def nil_of_empty(items: object) -> object:
        return _NilList() if isinstance(items, list | tuple) and not items else function(items)

    return nil_of_empty


class _Composite:
    """A list or map in `printf`: Go applies the verb to each part."""

    def __init__(self, value: list[object] | tuple[object, ...] | dict[object, object]) -> None:
        self._value = value

    def __go_format__(self, spec: GoFormatSpec) -> str:
        width = "" if spec.width is None else str(spec.width)
        precision = "" if spec.precision is None else f".{spec.precision}"
        directive = f"%{spec.flags}{width}{precision}{spec.verb}"
        if spec.verb in "Tp" or (spec.verb == "v" and ("#" in spec.flags or not width)):
            return sprintf(directive, self._value)
        if isinstance(self._value, dict):
            keys = sorted(self._value, key=str)
            parts = (f"{_part(directive, key)}:{_part(directive, self._value[key])}" for key in keys)
            return f"map[{' '.join(parts)}]"
        return f"[{' '.join(_part(directive, item) for item in self._value)}]"

    def __go_format_value__(self, kind: str, mode: str, *, nested: bool) -> str:
        """Return the text for arguments without a verb."""
        return sprintf({"default": "%v", "syntax": "%#v"}.get(kind, "%T"), self._value)


def _part(directive: str, value: object) -> str:
    # For a nil in a list or map, Go writes the same with every verb.
    return "<nil>" if value is None else _printf(directive, value)


def _printf(text: object, *values: object) -> str:
    composite = (_Composite(value) if isinstance(value, list | tuple | dict) else value for value in values)
    return sprintf(text, *composite)


class SemVer(Version):
    """A version of `semver`, with the methods of Go's library."""

    __slots__ = ()

    def String(self) -> str:
        return str(self)

    def Equal(self, other: Version) -> bool:
        return self == other

    def LessThan(self, other: Version) -> bool:
        return self < other

    def GreaterThan(self, other: Version) -> bool:
        return self > other


SEMVER_FIELDS = ("Major", "Minor", "Patch")
SEMVER_METHODS = ("Prerelease", "Metadata", "Original", "Compare", "String", "Equal", "LessThan", "GreaterThan")


def _semver(text: str) -> SemVer:
    found = semver(text)
    return SemVer(found.Major, found.Minor, found.Patch, found.Prerelease(), found.Metadata(), found.Original())


class _Named(int):
    """A month or a weekday, which Go prints by its name."""

    def __new__(cls, value: int, name: str) -> "_Named":
        named = super().__new__(cls, value)
        named.name = name
        return named

    name: str

    def __str__(self) -> str:
        return self.name

    def __go_format_value__(self, kind: str, mode: str, *, nested: bool) -> str:
        return self.name if kind == "default" else str(int(self))


class Time(datetime):
    """A time with the methods of Go's."""

    @classmethod
    def of(cls, value: datetime) -> "Time":
        return cls.fromtimestamp(value.timestamp(), value.tzinfo)

    def Unix(self) -> int:
        return self._since_epoch() // timedelta(seconds=1)

    def UnixNano(self) -> int:
        return self._since_epoch() // timedelta(microseconds=1) * 1000

    def _since_epoch(self) -> timedelta:
        return datetime.fromtimestamp(self.timestamp(), UTC) - _EPOCH

    def Year(self) -> int:
        return self.year

    def Month(self) -> int:
        return _Named(self.month, self.strftime("%B"))

    def Day(self) -> int:
        return self.day

    def Hour(self) -> int:
        return self.hour

    def Minute(self) -> int:
        return self.minute

    def Second(self) -> int:
        return self.second

    def Nanosecond(self) -> int:
        return self.microsecond * 1000

    def YearDay(self) -> int:
        return self.timetuple().tm_yday

    def Weekday(self) -> int:
        return _Named(self.isoweekday() % 7, self.strftime("%A"))

    def Format(self, layout: str) -> str:
        return dates._go_time_from_datetime(self, self.Nanosecond()).format(layout)

    def UTC(self) -> "Time":
        return Time.of(self.astimezone(UTC))

    def IsZero(self) -> bool:
        return self.year == 1

    def Before(self, other: datetime) -> bool:
        return self < other

    def After(self, other: datetime) -> bool:
        return self > other

    def Equal(self, other: datetime) -> bool:
        return self == other

    def AddDate(self, years: int, months: int, days: int) -> "Time":
        total = (self.year + years) * 12 + self.month - 1 + months
        first = self.replace(year=total // 12, month=total % 12 + 1, day=1)
        return Time.of(first + timedelta(days=self.day - 1 + days))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIME_METHODS = tuple(name for name in vars(Time) if name[0].isupper())


def _with_time(function: Function) -> Function:
    @wraps(function)
    def with_time(*args: object) -> object:
        result = function(*args)
        return Time.of(result) if isinstance(result, datetime) else result

    return with_time


def _with_times(function: Function) -> Function:
    """Return a function that writes times in JSON as Go does."""

    @wraps(function)
    def with_times(value: object) -> object:
        return function(_json_value(value))

    return with_times


def _json_value(value: object) -> object:
    match value:
        case datetime():
            fraction = f".{value.microsecond:06}".rstrip("0").rstrip(".")
            zone = value.strftime("%z")
            return f"{value:%Y-%m-%dT%H:%M:%S}{fraction}{'Z' if zone == '+0000' else f'{zone[:3]}:{zone[3:5]}'}"
        case Mapping():
            return {key: _json_value(item) for key, item in value.items()}
        case _NilList():
            return None
        case list() | tuple():
            return [_json_value(item) for item in value]
    return None if value is UNTYPED_NIL else value
