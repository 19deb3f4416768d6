"""Random expressions of Go templates over the functions of Sprig."""

import random
from collections.abc import Iterable

from kudo.model.execution import Variables

VALUES: Variables = {
    "Params": {
        "WORD": "Swordfish",
        "EMPTY": "",
        "NUMBER": "17",
        "FLOAT": "1.5",
        "FALSE": "false",
        "TEXT": "  two\nlines: \"q\" & 'so' \\ é\n",
        "UNI": "日本 ß😀",
        "LIST": ["b", "a", "", "c d"],
        "NONE": [],
        "NUMBERS": [1, -2, 0.5, 5368709120],
        "MIXED": ["a", 1, True, None, ["b", 2], {"c": 0.25}],
        "MAP": {"z": "last", "a": "first"},
        "NESTED": {"k": {"v": 1}, "l": [1, "x"], "n": None, "b": False},
        "EMPTYMAP": {},
        "VERSION": "2.11.3-rc1+build",
        "URL": "https://u:p@host:80/a/b?q=1#f",
        "DATE": "2020-03-04",
        "JSON": '{"a": [1, null, "x"]}',
    },
    "Name": "events",
    "Namespace": "ns",
}

_TEXTS = [
    *('"x"', '""', '"a b-c_d"', '"éß"', '"1.5"', '"07"', '"-3"', '"true"', '","', '"a,b,c"', '"0x1f"', '"^[a-z]+"'),
    *('"$1"', '"2006-01-02"', '"1h30m"', ".Params.WORD", ".Params.EMPTY", ".Params.NUMBER", ".Params.TEXT"),
    *(".Params.UNI", ".Params.VERSION", ".Name"),
]
_LISTS = [
    *(".Params.LIST", ".Params.NONE", ".Params.NUMBERS", ".Params.MIXED", '(list "x" "y" "x")', "(list 1 2 3)"),
    *("(list)", '(splitList "," "a,b,a")', "(until 3)", '(list nil 1 "a")', '(list (list 1) (dict "a" 1))'),
]
_MAPS = [
    *(".Params.MAP", ".Params.NESTED", ".Params.EMPTYMAP", '(dict "k" "v" "a" "b")', '(dict "n" 1)', "(dict)"),
    *('(dict "k" (dict "v" 2))', '(dict "n" nil)'),
]
_NUMBERS = [
    *("0", "1", "3", "-2", "7", "100", "1.5", "-0.25", ".Params.NUMBER", ".Params.FLOAT", '"07"', '"1.5"', "1e3"),
    *("(index .Params.NUMBERS 2)", "(index .Params.NUMBERS 3)", "(int64 5)", "(float64 2)"),
]
_ANYTHING = [*_TEXTS, *_LISTS, *_MAPS, *_NUMBERS, "true", "false", "nil", ".Params.URL", ".Params.DATE", ".Params.JSON"]

_ATOMS = {
    "a": _ANYTHING,
    "b": ["true", "false"],
    "d": _MAPS,
    "i": ["0", "1", "3", "-2", "7", '(int "4")'],
    "l": _LISTS,
    "n": _NUMBERS,
    "r": ['"[a-z]+"', '"^S"', '"(o)(r)"', '"[0-9]"', '","', '"\\\\s"'],
    "s": _TEXTS,
}
"""Arguments by type: anything, boolean, map (dict), integer, list, number, regular expression, text (string)."""

_SIGNATURES = {
    "abbrev": "is",
    "abbrevboth": "iis",
    "add": "n*",
    "add1": "n",
    "adler32sum": "s",
    "and": "a*",
    "append": "la",
    "atoi": "s",
    "b32dec": "s",
    "b32enc": "s",
    "b64dec": "s",
    "b64enc": "s",
    "biggest": "n*",
    "camelcase": "s",
    "cat": "a*",
    "ceil": "n",
    "coalesce": "a*",
    "compact": "l",
    "concat": "l*",
    "contains": "ss",
    "deepCopy": "a",
    "deepEqual": "aa",
    "default": "aa",
    "dict": "sa",
    "div": "nn",
    "duration": "a",
    "durationRound": "a",
    "empty": "a",
    "eq": "aa",
    "fail": "s",
    "first": "l",
    "float64": "a",
    "floor": "n",
    "fromJson": "s",
    "ge": "nn",
    "get": "ds",
    "gt": "nn",
    "has": "al",
    "hasKey": "ds",
    "hasPrefix": "ss",
    "hasSuffix": "ss",
    "hash": "s",
    "html": "a",
    "indent": "is",
    "index": "li",
    "initial": "l",
    "initials": "s",
    "int": "a",
    "int64": "a",
    "join": "sl",
    "js": "a",
    "kebabcase": "s",
    "keys": "d*",
    "kindIs": "sa",
    "kindOf": "a",
    "last": "l",
    "le": "nn",
    "len": "a",
    "list": "a*",
    "lower": "s",
    "lt": "nn",
    "max": "n*",
    "merge": "d*",
    "mergeOverwrite": "d*",
    "min": "n*",
    "mod": "nn",
    "mul": "n*",
    "mustRegexMatch": "rs",
    "ne": "aa",
    "nindent": "is",
    "nospace": "s",
    "not": "a",
    "omit": "ds*",
    "or": "a*",
    "pick": "ds*",
    "pluck": "sd*",
    "plural": "ssi",
    "prepend": "la",
    "print": "a*",
    "println": "a*",
    "push": "la",
    "quote": "a*",
    "regexFind": "rs",
    "regexFindAll": "rsi",
    "regexMatch": "rs",
    "regexReplaceAll": "rss",
    "regexReplaceAllLiteral": "rss",
    "regexSplit": "rsi",
    "repeat": "is",
    "replace": "sss",
    "rest": "l",
    "reverse": "l",
    "round": "ni",
    "semver": "s",
    "semverCompare": "ss",
    "seq": "i*",
    "set": "dsa",
    "sha1sum": "s",
    "sha256sum": "s",
    "slice": "li*",
    "snakecase": "s",
    "sortAlpha": "l",
    "split": "ss",
    "splitList": "ss",
    "splitn": "sis",
    "squote": "a*",
    "sub": "nn",
    "substr": "iis",
    "swapcase": "s",
    "ternary": "aab",
    "title": "s",
    "toDecimal": "a",
    "toJson": "a",
    "toPrettyJson": "a",
    "toRawJson": "a",
    "toString": "a",
    "toStrings": "l",
    "toYaml": "a",
    "trim": "s",
    "trimAll": "ss",
    "trimPrefix": "ss",
    "trimSuffix": "ss",
    "trimall": "ss",
    "trunc": "is",
    "tuple": "a*",
    "typeIs": "sa",
    "typeIsLike": "sa",
    "typeOf": "a",
    "uniq": "l",
    "unset": "ds",
    "until": "i",
    "untilStep": "iii",
    "untitle": "s",
    "upper": "s",
    "urlParse": "s",
    "urlquery": "a",
    "values": "d",
    "without": "la*",
    "wrap": "is",
    "wrapWith": "iss",
}
"""The types of the arguments of functions; a star repeats the type before it."""

_NOT_REPEATABLE = {
    *("now", "date", "date_in_zone", "dateInZone", "htmlDate", "htmlDateInZone", "ago", "unixEpoch", "toDate"),
    *("mustToDate", "date_modify", "dateModify", "mustDateModify", "must_date_modify", "shuffle", "uuidv4"),
    *("randAlpha", "randAlphaNum", "randAscii", "randNumeric", "randBytes", "randInt", "bcrypt", "htpasswd"),
    *("encryptAES", "decryptAES", "derivePassword", "buildCustomCert", "genPrivateKey", "genCA", "genCAWithKey"),
    *("genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey"),
}
"""Functions whose results depend on the time or on chance, or that take long."""

_OTHERS = {"toYaml", "fail"}
"""Functions that KUDO adds, and one that only fails."""

_OF_GO = (
    "and",
    "or",
    "not",
    "len",
    "index",
    "print",
    "println",
    "html",
    "js",
    "urlquery",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
)


class Expressions:
    """Makes random templates of one expression each."""

    def __init__(self, chance: random.Random, functions: Iterable[str]) -> None:
        self._chance = chance
        self._functions = sorted({*functions, *_OF_GO} - _NOT_REPEATABLE - _OTHERS)

    def template(self) -> str:
        """Return a template; most of its calls have arguments of the right types."""
        call = self._typed(2) if self._chance.random() < 0.85 else self._untyped(2)
        if self._chance.random() < 0.15:
            call = f"{self._chance.choice(_ANYTHING)} | {self._untyped(0)}"
        return f"{{{{ {call} }}}}"

    def _untyped(self, depth: int) -> str:
        arguments = [self._argument("a", depth) for _ in range(self._chance.choice([1, 1, 2, 2, 2, 3, 3, 4]))]
        return " ".join([self._chance.choice(self._functions), *arguments])

    def _typed(self, depth: int) -> str:
        function = self._chance.choice(self._functions)
        if function not in _SIGNATURES:
            return self._untyped(depth)
        arguments: list[str] = []
        signature = _SIGNATURES[function]
        for index, kind in enumerate(signature):
            if kind != "*":
                count = self._chance.randint(0, 3) if signature[index + 1 : index + 2] == "*" else 1
                arguments += [self._argument(kind, depth) for _ in range(count)]
        return " ".join([function, *arguments])

    def _argument(self, kind: str, depth: int) -> str:
        if depth and self._chance.random() < 0.2:
            return f"({self._typed(depth - 1)})"
        return self._chance.choice(_ATOMS[kind])
