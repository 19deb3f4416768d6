"""Go templates with Sprig, as KUDO's packages use them."""

import pytest

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates import engine_for, render_all

VARIABLES: Variables = {
    "Params": {
        "COUNT": "3",
        "FLAG": "false",
        "EMPTY": "",
        "LIST": ["a", {"b": True}],
        "MAP": {"z": 1, "a": {"c": "d"}},
    },
    "Pipes": {"key": "test-pipe"},
    "Name": "test",
}


def render(source: str) -> str:
    return engine_for("kudo.dev/v1beta1").render("sub/a.yaml", source, VARIABLES)


def refused(source: str) -> str:
    with pytest.raises(TaskRenderingError) as error:
        render(source)
    return str(error.value)


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("name: {{ .Name }}-{{ .Pipes.key }}", "name: test-test-pipe"),
        ("{{ .Params.COUNT }}", "3"),
        ("{{ if .Params.FLAG }}every string is true{{ end }}", "every string is true"),
        ('{{ if eq .Params.FLAG "false" }}off{{ else }}on{{ end }}', "off"),
        ("{{ if .Params.EMPTY }}full{{ else }}empty{{ end }}", "empty"),
        ("{{ range $i, $item := .Params.LIST }}{{ $i }},{{ end }}", "0,1,"),
        ("{{ range $k, $v := .Params.MAP }}{{ $k }},{{ end }}", "a,z,"),
        ("{{ index .Params.LIST 0 }}{{ .Params.MAP.a.c }}", "ad"),
        ("{{ .Params.COUNT | int | add 1 }}", "4"),
        ('{{ .Name | upper | quote }} {{ "a,b" | splitList "," | join "-" }}', '"TEST" a-b'),
        ('{{ default "x" .Params.EMPTY }} {{ trimSuffix "t" .Name }} {{ "eA==" | b64dec }}', "x tes x"),
        ('{{ "a" | sha256sum | trunc 8 }}', "ca978112"),
        ("{{ .Params.LIST | toYaml }}", "- a\n- b: true\n"),
        ("m:{{ .Params.MAP | toYaml | nindent 2 }}", "m:\n  a:\n    c: d\n  z: 1\n  "),
        ('{{ define "part" }}[{{ . }}]{{ end }}{{ template "part" .Name }}', "[test]"),
        ("a\n{{- /* comment */ -}}\nb", "ab"),
        ('{{ printf "%s-%d" .Name 5 }}', "test-5"),
    ],
)
def test_template_is_rendered(source: str, rendered: str) -> None:
    assert render(source) == rendered


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\nb: {{ .Params.TYPO }}", "templates/sub/a.yaml:2: 'TYPO' is undefined"),
        ("{{ .Typo.Deeper }}", "templates/sub/a.yaml:1: 'Typo' is undefined"),
        ("\n\n{{ .Params.MAP.typo }}", "templates/sub/a.yaml:3: 'typo' is undefined"),
        ("{{ with .Params }}\n{{ .TYPO }}{{ end }}", "templates/sub/a.yaml:2: 'TYPO' is undefined"),
        ("a\n{{ $typo }}", "templates/sub/a.yaml:2: undefined variable '$typo'"),
        ("{{ .Name | typo }}", "templates/sub/a.yaml:1: function 'typo' not defined; did you mean typeOf?"),
        ('{{ template "typo" }}', "templates/sub/a.yaml:1: template 'typo' is not defined"),
        ("a\n{{ if }}", "templates/sub/a.yaml:2: missing value for command"),
        ("a\n{{ .Name", "templates/sub/a.yaml:2: unclosed action"),
        ("{{ end }}", "templates/sub/a.yaml:1: unexpected end"),
        ("{{ range .Params.LIST }}", "templates/sub/a.yaml:1: unexpected EOF"),
        ('{{ "a }}', "templates/sub/a.yaml:1: unterminated quoted string"),
        ('{{ fail "the disk is full" }}', "templates/sub/a.yaml:1: function 'fail' failed: the disk is full"),
        ("{{ index .Params.LIST 9 }}", "templates/sub/a.yaml:1: function 'index' failed: index out of range"),
    ],
)
def test_errors_name_file_line_and_reason(source: str, message: str) -> None:
    assert refused(source) == message


@pytest.mark.parametrize(
    "name",
    [
        "env",
        "expandenv",
        "base",
        "dir",
        "clean",
        "ext",
        "isAbs",
        "osBase",
        "osDir",
        "osClean",
        "osExt",
        "osIsAbs",
        "getHostByName",
    ],
)
def test_environment_path_and_network_functions_are_undefined(name: str) -> None:
    assert refused(f'{{{{ {name} "PATH" }}}}').startswith(f"templates/sub/a.yaml:1: function {name!r} not defined")


@pytest.mark.parametrize(
    "expression",
    [
        ".Name.__class__",
        ".Params.__class__.__mro__",
        ".Params.LIST.append",
        ".Params.LIST.__init__.__globals__",
        "(now).__class__",
        '(genCA "a" 1).__dict__',
    ],
)
def test_python_attributes_are_inaccessible(expression: str) -> None:
    assert refused(f"{{{{ {expression} }}}}").startswith("templates/sub/a.yaml:1: ")


def test_certificate_has_cert_and_key() -> None:
    rendered = render('{{ $ca := genCA "test" 1 }}{{ $ca.Cert | trunc 27 }} {{ $ca.Key | trunc 10 }}')
    assert rendered == "-----BEGIN CERTIFICATE----- -----BEGIN"


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ('{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', "template-depth budget exceeded"),
        ("{{ if 1 }}" * 500 + "{{ end }}" * 500, "template nesting limit exceeded"),
        ('{{ repeat 5000000 "a" }}', "output character budget exceeded"),
    ],
)
def test_template_above_the_limits_of_the_engine_is_refused(source: str, bound: str) -> None:
    assert bound in refused(source)


def test_several_templates_are_rendered_by_name() -> None:
    sources = {"a.yaml": "{{ .Name }}", "b.yaml": "b"}
    assert render_all("kudo.dev/v1beta1", sources, VARIABLES) == {"a.yaml": "test", "b.yaml": "b"}


def test_first_template_that_fails_is_named() -> None:
    with pytest.raises(TaskRenderingError, match=r"templates/b\.yaml:1: 'Typo' is undefined"):
        render_all("kudo.dev/v1beta1", {"a.yaml": "a", "b.yaml": "{{ .Typo }}"}, VARIABLES)
