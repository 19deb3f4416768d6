"""Jinja2 templates: rendering, filters, errors and the sandbox."""

import pytest

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates import engine_for

VARIABLES: Variables = {
    "Params": {
        "COUNT": "3",
        "FLAG": "false",
        "LIST": ["a", {"b": True}],
        "MAP": {"z": 1, "a": {"c": "d"}},
        "NONE": None,
    },
    "Name": "test",
}


def render(source: str) -> str:
    return engine_for("kudo.dev/v1").render("sub/a.yaml", source, VARIABLES)


def refused(source: str) -> str:
    with pytest.raises(TaskRenderingError) as error:
        render(source)
    return str(error.value)


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("name: {{ Name }}-{{ Params.COUNT }}", "name: test-3"),
        ("{% if Params.FLAG %}every string is true{% endif %}", "every string is true"),
        ("{% if Params.FLAG | bool %}on{% else %}off{% endif %}", "off"),
        ("{{ Params.COUNT * 2 }} {{ Params.COUNT | int * 2 }}", "33 6"),
        ("{% for item in Params.LIST %}{{ loop.index }},{% endfor %}", "1,2,"),
        ("{{ Params.MAP.a.c }} {{ Params['MAP']['z'] }} {{ Params.LIST[1].b }}", "d 1 true"),
        ("{{ true }} {{ False }} {{ none }} {{ Params.NONE }} {{ 1 == 1 }}", "true false null null true"),
        ("a:\n{% if true %}\n  b: 1\n{% endif %}\nc: 2\n", "a:\n  b: 1\nc: 2\n"),
        ("{{ Params.TYPO | default('x') }} {{ Params.TYPO is defined }}", "x false"),
        ("{% set x = namespace(n=1) %}{% set x.n = 2 %}{{ x.n }}", "2"),
        ("{% raw %}{{ untouched }}{% endraw %}", "{{ untouched }}"),
    ],
)
def test_template_is_rendered(source: str, rendered: str) -> None:
    assert render(source) == rendered


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("{{ Params.MAP | to_yaml }}", "z: 1\na:\n  c: d"),
        ("{{ Params.LIST | to_yaml | indent(2) }}", "- a\n  - b: true"),
        ("{{ 'yes' | to_yaml }} {{ 5 | to_yaml }} {{ none | to_yaml }}", "'yes' 5 null"),
        ("{{ ('a: [1, yes]' | from_yaml).a[1] }}", "true"),
        ("{{ Params.LIST | to_json }}", '["a", {"b": true}]'),
        ("{{ ('[1, 2]' | from_json)[1] }}", "2"),
        ("{{ 'T' | bool }} {{ '0' | bool }} {{ true | bool }}", "true false true"),
        ("{{ 'say \"hi\"\\n' | quote }} {{ 5 | quote }} {{ true | quote }}", '"say \\"hi\\"\\n" "5" "true"'),
        ("{{ 'grüße' | b64encode }} {{ 'Z3LDvMOfZQ==' | b64decode }}", "Z3LDvMOfZQ== grüße"),
        ("{{ 'a' | sha256 }}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("{{ '<a>' | e }} {{ ['b', 'a'] | sort | join(',') }}", "&lt;a&gt; a,b"),
    ],
)
def test_filter_is_applied(source: str, rendered: str) -> None:
    assert render(source) == rendered


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\nb: {{ Params.TYPO }}", "templates/sub/a.yaml:2: 'TYPO' is undefined"),
        ("{{ Typo }}", "templates/sub/a.yaml:1: 'Typo' is undefined"),
        ("{{ Typo.deeper }}", "templates/sub/a.yaml:1: 'Typo' is undefined"),
        ("\n\n{{ Params.MAP.typo.deeper }}", "templates/sub/a.yaml:3: 'typo' is undefined"),
        ("{% if Params.TYPO %}{% endif %}", "templates/sub/a.yaml:1: 'TYPO' is undefined"),
        ("a\n{% for x in Params.TYPO %}{% endfor %}", "templates/sub/a.yaml:2: 'TYPO' is undefined"),
        ("a\n{{ Name | typo }}", "templates/sub/a.yaml:2: No filter named 'typo'."),
        ("{{ Name is typo }}", "templates/sub/a.yaml:1: No test named 'typo'."),
        ("a\n{{ Name", "templates/sub/a.yaml:2: unexpected end of template, expected 'end of print statement'."),
        ("{% typo %}", "templates/sub/a.yaml:1: Encountered unknown tag 'typo'."),
        ("a\n{{ 'perhaps' | bool }}", "templates/sub/a.yaml:2: the value given to `bool` is neither true nor false"),
        ("{{ '[1' | from_yaml }}", "templates/sub/a.yaml:1: line 2: did not find expected ',' or ']'"),
        ("a\n\n{{ 1 / 0 }}", "templates/sub/a.yaml:3: division by zero"),
        ("{{ 'a' + 1 }}", 'templates/sub/a.yaml:1: can only concatenate str (not "int") to str'),
    ],
)
def test_errors_name_file_line_and_reason(source: str, message: str) -> None:
    assert refused(source) == message


@pytest.mark.parametrize(
    "source", ["{% include 'b' %}", "{% import 'b' as b %}", "{% from 'b' import c %}", "{% extends 'b' %}"]
)
def test_access_to_other_templates_is_refused(source: str) -> None:
    assert refused(source) == "templates/sub/a.yaml:1: a template cannot include, import or extend another"


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "''['__class__']",
        "'' | attr('__class__')",
        "(('' | safe) | attr('__cla' ~ 'ss__'))",
        "[''] | map(attribute='__class__.__mro__') | list",
        "self.__init__.__globals__",
        "self._TemplateReference__context",
        "cycler.__init__.__globals__.os",
        "joiner | attr('__init__')",
        "namespace.__init__.__globals__",
        "dict.__base__",
        "range.__call__",
        "(range(3) | map('string')).gi_frame",
        "'{0.__class__.__mro__}'.format(1)",
        "'{a.__class__}'.format_map({'a': 1})",
        "('{0.__class__}' | safe).format(1)",
        "lipsum.__globals__",
        "config",
        "Params.update({'COUNT': '4'})",
        "Params.LIST.append(1)",
        "Params.MAP.clear()",
        "range(10000000)",
    ],
)
def test_escape_from_the_jinja_sandbox_is_refused(expression: str) -> None:
    assert refused(f"{{{{ {expression} }}}}").startswith("templates/sub/a.yaml:1: ")
    assert refused(f"{{% do {expression} %}}{{{{ {expression} | string }}}}").startswith("templates/sub/a.yaml:1: ")


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ 'a' * 99999999999999999999999 }}",
        "{{ 10 ** 5000 }}",
    ],
)
def test_python_error_is_reported_as_template_error(source: str) -> None:
    assert refused(source).startswith("templates/sub/a.yaml")
