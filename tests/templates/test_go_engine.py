"""Go templates render to the same bytes in our engine and in Go itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.go_engine import GoEngine

from kudo.errors import TaskRenderingError
from kudo.instances.parameters import template_values
from kudo.model.execution import Variables
from kudo.model.tasks import PipeTask
from kudo.packages import parameter_of, read_package
from kudo.templates import engine_for

OPERATORS = Path(__file__).parents[3] / "shared" / "operators"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="py-go-template is a library for Linux")

ENGINE = engine_for("kudo.dev/v1beta1")

VARIABLES: Variables = {
    "Params": {
        "WORD": "Swordfish",
        "EMPTY": "",
        "NUMBER": "17",
        "FALSE": "false",
        "TEXT": "  two\nlines: \"quoted\" & 'so' \\ é\n",
        "LIST": ["b", "a", "", "c d"],
        "MAP": {"z": "last", "a": "first", "nested": {"k": "v"}},
        "NONE": [],
        "EMPTY_MAP": {},
        "NUMBERS": [1, -2, 0.5, 5368709120, 1e21, 100000, 1234567],
        "MIXED": ["a", 1, True, None, ["b", 2], {"c": 0.25}],
        "SIZES": {"port": 9092, "big": 5368709120, "half": 0.5, "off": False, "none": None, "list": [1, "x"]},
        "VERSION": "2.11.3-rc1+build",
        "DATE": "2020-03-04",
    },
    "Name": "events",
    "OperatorName": "kafka",
    "Namespace": "streams",
}


@pytest.fixture(scope="module")
def go() -> Iterator[GoEngine]:
    with GoEngine() as engine:
        yield engine


def render_or_none(template: str, variables: Variables = VARIABLES) -> str | None:
    try:
        return ENGINE.render("test.yaml", template, variables)
    except TaskRenderingError:
        return None


WORDS = st.sampled_from([".Params.WORD", ".Params.EMPTY", ".Params.NUMBER", ".Params.FALSE", ".Params.TEXT", ".Name"])
LITERALS = st.sampled_from(['"x"', '""', "`raw \\n`", '"a b-c_d"', '"éß"', '"1.5"'])
TEXTS = st.one_of(WORDS, LITERALS)
LISTS = st.sampled_from([".Params.LIST", ".Params.NONE", '(list "x" "y" "x")', '(splitList "," "a,b,c")'])
MAPS = st.sampled_from([".Params.MAP", '(dict "k" "v" "a" "b")'])
NUMBERS = st.sampled_from(["0", "1", "3", "-2", "(len .Params.LIST)", "(int .Params.NUMBER)", "(atoi .Params.NUMBER)"])

# Without camelcase, snakecase and kebabcase: versions of Sprig differ for capitals beside punctuation.
OF_TEXT = st.sampled_from(
    [
        *(
            "quote",
            "squote",
            "upper",
            "lower",
            "title",
            "untitle",
            "trim",
            "nospace",
            "swapcase",
            "b64enc",
            "sha256sum",
        ),
        *("indent 2", "nindent 4", "trunc 3", "trunc -3", 'default "d"', 'replace "s" "-"', "repeat 2", "toString"),
        *('trimSuffix "sh"', 'trimPrefix "S"', 'trimAll " "', 'contains "o"', 'hasPrefix "S"', 'hasSuffix "h"', "len"),
        *('splitList "\\n" | first', "initials", "substr 0 2", "cat", "empty"),
        *('printf "%s|%10s|%-5s|%q"', "toJson", "adler32sum", "sha1sum", "html", "js", "urlquery", "print", "println"),
    ]
)
OF_LIST = st.sampled_from(
    [
        *('join ","', "first", "last", "len", 'sortAlpha | join " "', 'uniq | join ";"', "reverse | toJson", "toJson"),
        *(
            "compact | len",
            "rest | toJson",
            "initial | toJson",
            'has "a"',
            'without "a" | toJson',
            "toStrings | toJson",
        ),
    ]
)
OF_MAP = st.sampled_from(
    [
        "keys | sortAlpha | toJson",
        "values | len",
        "len",
        'hasKey "a"',
        "toJson",
        'pick "a" | toJson',
        'omit "a" | toJson',
    ]
)
OF_NUMBER = st.sampled_from(
    ["add 2", "sub 7", "mul 3", "div 12", "mod 5", "add1", "max 2", "min 2", 'printf "%d|%5d|%x"', "int64", "toString"]
)


def with_map_first(expression: str) -> str:
    """Return the expression with the map as first argument of `hasKey`, `pick` and `omit`; a pipe passes it last."""
    value, _, function = expression.partition(" | ")
    name, *rest = function.split(" | ")
    word, _, key = name.partition(" ")
    if word in ("hasKey", "pick", "omit"):
        return " | ".join([f"{word} {value} {key}", *rest])
    return expression


TERMS = st.one_of(
    st.builds("{} | {}".format, TEXTS, OF_TEXT),
    st.builds("{} | {} | {}".format, TEXTS, st.sampled_from(["trim", "upper", "nospace", "title"]), OF_TEXT),
    st.builds("{} | {}".format, LISTS, OF_LIST),
    st.builds("{} | {}".format, MAPS, OF_MAP).map(with_map_first),
    st.builds("{} | {}".format, NUMBERS, OF_NUMBER),
    st.builds("index .Params.LIST {}".format, st.integers(0, 5)),
    st.builds("index .Params.MAP {}".format, LITERALS),
    st.builds("ternary {} {} ({})".format, TEXTS, TEXTS, st.sampled_from(["true", "false", 'eq .Name "events"'])),
    st.builds("coalesce {} {} {}".format, TEXTS, TEXTS, TEXTS),
)
CONDITIONS = st.one_of(
    TEXTS,
    LISTS,
    st.builds("{} {} {}".format, st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]), TEXTS, TEXTS),
    st.builds("{} {} {}".format, st.sampled_from(["eq", "ne", "lt", "gt"]), NUMBERS, NUMBERS),
    st.builds("{} ({} | empty) {}".format, st.sampled_from(["and", "or"]), TEXTS, TEXTS),
    st.builds("not {}".format, TEXTS),
)
OPEN, CLOSE = st.sampled_from(["{{", "{{- "]), st.sampled_from(["}}", " -}}"])
PLAIN = st.sampled_from(["\n", "  ", "key: ", "text ", "- ", "é", "{ }", ""])

TEMPLATES = st.recursive(
    st.one_of(PLAIN, st.builds("{} {} {}".format, OPEN, TERMS, CLOSE), st.just("{{/* nothing */}}")),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{} if {} {}{}{{{{ else }}}}{}{{{{ end }}}}".format, OPEN, CONDITIONS, CLOSE, inner, inner),
        st.builds("{} with {} {}{}{{{{ . }}}}{{{{ end }}}}".format, OPEN, TEXTS, CLOSE, PLAIN),
        st.builds("{} range {} {}<{{{{ . }}}}{}>{{{{ else }}}}none{{{{ end }}}}".format, OPEN, LISTS, CLOSE, PLAIN),
        st.builds("{} range $k, $v := {} {}{{{{ $k }}}}={{{{ $v }}}};{{{{ end }}}}".format, OPEN, MAPS, CLOSE),
        st.builds("{{{{ $x := {} }}}}{}{{{{ $x }}}}".format, TEXTS, inner),
        st.builds('{{{{ define "t" }}}}{}{{{{ . }}}}{{{{ end }}}}{{{{ template "t" {} }}}}'.format, PLAIN, TEXTS),
    ),
    max_leaves=6,
)


@settings(max_examples=400)
@given(template=TEMPLATES)
def test_rendered_template_equals_the_output_of_go(go: GoEngine, template: str) -> None:
    rendered = render_or_none(template)
    # Go's engine accepts missing keys: KUDO sets missingkey=error, and py-go-template does not.
    assume(rendered is not None)
    by_go = go.render(template, VARIABLES)
    assume(by_go is not None)
    assert by_go == rendered


LISTS_OF_ANY = st.sampled_from([".Params.LIST", ".Params.NONE", ".Params.NUMBERS", ".Params.MIXED", "(list 1 nil)"])
MAPS_OF_ANY = st.sampled_from([".Params.MAP", ".Params.SIZES", ".Params.EMPTY_MAP", '(dict "a" nil "b" 1)'])
FLOATS = st.sampled_from(
    [*(f"(index .Params.NUMBERS {index})" for index in range(7)), ".Params.SIZES.port", ".Params.SIZES.half"]
)
VERBS = st.sampled_from(["%v", "%s", "%q", "%d", "%x", "%f", "%t", "%e", "%g", "%T", "%v %v", "%[1]v", "no verb"])
OF_FLOAT = st.sampled_from(
    [
        "int",
        "int64",
        "float64",
        "toString",
        "toJson",
        "floor",
        "ceil",
        "round 1",
        "add 1",
        "mul 2",
        "max 3",
        "quote",
        "print",
    ]
)
OF_VERSION = st.sampled_from(["Major", "Minor", "Patch", "Prerelease", "Metadata", "Original", "String"])
OF_TIME = st.sampled_from(
    [
        "Year",
        "Month",
        "Day",
        "Hour",
        "Minute",
        "Second",
        "Weekday",
        "YearDay",
        'Format "02.01.2006 15:04"',
        "IsZero",
        "Unix",
    ]
)

TYPED = st.one_of(
    st.builds('printf "{}" {}'.format, VERBS, st.one_of(LISTS_OF_ANY, MAPS_OF_ANY, FLOATS, NUMBERS)),
    st.builds("{} | {}".format, FLOATS, OF_FLOAT),
    st.builds(
        "{} | {}".format, st.one_of(LISTS_OF_ANY, MAPS_OF_ANY), st.sampled_from(["toJson", "toString", "len", "print"])
    ),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["eq", "ne", "lt", "gt"]),
        FLOATS,
        st.sampled_from(["1.0", "9092.0", "0.5", "1"]),
    ),
    st.builds("(semver .Params.VERSION).{}".format, OF_VERSION),
    st.builds(
        '(semver .Params.VERSION).{} (semver "2.11.4")'.format,
        st.sampled_from(["Compare", "LessThan", "GreaterThan", "Equal"]),
    ),
    st.builds('(toDate "2006-01-02" .Params.DATE).UTC.{}'.format, OF_TIME),
    st.builds(
        '(regexFindAll "{}" {} {}) | {}'.format,
        st.sampled_from(["[A-Z]", "z"]),
        TEXTS,
        st.sampled_from(["-1", "1"]),
        st.sampled_from(["len", "toJson"]),
    ),
    st.sampled_from(
        [
            "nil | toJson",
            "dict | toJson",
            'set (dict) "a" nil | toJson',
            "list nil | toJson",
            "append (list) nil | toJson",
        ]
    ),
)


@settings(max_examples=400)
@given(expression=TYPED)
def test_values_of_every_type_are_as_in_go(go: GoEngine, expression: str) -> None:
    template = f"{{{{ {expression} }}}}"
    rendered = render_or_none(template)
    assume(rendered is not None)
    by_go = go.render(template, VARIABLES)
    assume(by_go is not None)
    assert by_go == rendered


@pytest.mark.skipif(not OPERATORS.is_dir(), reason=f"the public operator collection is not at {OPERATORS}")
@pytest.mark.parametrize("operator", ["cowsay", "first-operator", "kafka", "mysql", "redis", "zookeeper"])
def test_public_templates_render_as_in_go(go: GoEngine, operator: str) -> None:
    package = read_package(OPERATORS / operator)
    parameters = [parameter_of(definition) for definition in package.params.parameters]
    tasks = package.operator.tasks
    variables: Variables = {
        "Params": template_values(parameters, {}),
        "Pipes": {file.key: "artifact" for task in tasks if isinstance(task, PipeTask) for file in task.spec.pipe},
        "Name": "test",
        "Namespace": "default",
        "OperatorName": operator,
        "OperatorVersion": package.operator.operator_version,
        "AppVersion": package.operator.app_version,
        "PlanName": "deploy",
        "PhaseName": "phase",
        "StepName": "step",
    }
    for name, source in package.templates.items():
        rendered = render_or_none(source, variables)
        assert rendered is not None, name
        assert go.render(source, variables) == rendered, name


@pytest.mark.parametrize("text", ["éß", "é ß", " a é\u00a0b ", "x y", "\u1680x\u2003é y"])
def test_nospace_treats_other_text_than_ascii_as_go_does(go: GoEngine, text: str) -> None:
    template = f'{{{{ "{text}" | nospace | quote }}}}'
    assert render_or_none(template) == go.render(template, VARIABLES)
