"""Errors of templates name the place and the expression, but no value of a parameter."""

import pytest

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates import engine_for

SECRET = "hunter2-secret"

VARIABLES: Variables = {
    "Params": {"S": SECRET, "M": {"k": SECRET, SECRET: "v"}, "L": [SECRET], "N": "5", "F": "{} %d " + SECRET},
    "Name": "test",
}

JINJA = [
    "{{ Params.M[Params.S ~ 'x'] }}",
    "{{ Params[Params.S] }}",
    "{{ Params.S.missing }}",
    "{{ Params.S | int('x') + 'a' }}",
    "{{ Params.S | from_json }}",
    "{{ Params.S | from_yaml | list | first | sum }}",
    "{{ Params.S | bool }}",
    "{{ Params.S | b64decode }}",
    "{{ Params.F.format() }}",
    "{{ Params.F % Params.S }}",
    "{{ Params.S + 1 }}",
    "{{ Params.L[5] }}",
    "{{ [1] | map(Params.S) | list }}",
    "{{ [1] | select(Params.S) | list }}",
    "{{ Params.L | sort(attribute=Params.S) }}",
    "{{ Params.S() }}",
    "{% include Params.S %}",
    "{{ ('!!' ~ Params.S ~ ' [') | from_yaml }}",
    "{{ Params.S | round }}",
    "{{ Params.M | dictsort(by=Params.S) }}",
]

GO = [
    '{{ index .Params.M (printf "%sx" .Params.S) | upper }}',
    "{{ .Params.S.Missing }}",
    "{{ atoi .Params.S | div 0 }}",
    "{{ index .Params.L 7 }}",
    "{{ semver .Params.S }}",
    "{{ mustToDate .Params.S .Params.S }}",
    "{{ mustRegexMatch .Params.F .Params.S }}",
    '{{ regexMatch "[" .Params.S }}',
    "{{ fromJson .Params.S }}",
    "{{ mustFromJson .Params.S }}",
    "{{ required .Params.S nil }}",
    "{{ len 5 }}{{ .Params.S }}",
    "{{ template .Params.S }}",
    '{{ get .Params.S "a" }}',
    "{{ .Params.S | toDecimal | div 0 }}",
    "{{ genPrivateKey .Params.S }}",
    "{{ decryptAES .Params.S .Params.S }}",
    "{{ slice .Params.L 9 }}",
]


@pytest.mark.parametrize(
    ("dialect", "source"), [*(("kudo.dev/v1", source) for source in JINJA), *(("kudo.dev/v1beta1", go) for go in GO)]
)
def test_error_contains_no_value(dialect: str, source: str) -> None:
    message = error_of(dialect, source)
    # Some of the expressions render.
    assert "hunter2" not in message
    assert not message or message.startswith("templates/a.yaml")


def error_of(dialect: str, source: str) -> str:
    """Return the message of the error that a template raises; empty if it renders."""
    try:
        engine_for(dialect).render("a.yaml", source, VARIABLES)
    except TaskRenderingError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ Params.TYPO }}", "templates/a.yaml:1: 'TYPO' is undefined"),
        ("{{ Params[Params.S] }}", "templates/a.yaml:1: '…' is undefined"),
        ("{{ Params.M['typo'] }}", "templates/a.yaml:1: 'typo' is undefined"),
        ("{{ 'a' + 1 }}", 'templates/a.yaml:1: can only concatenate str (not "int") to str'),
    ],
)
def test_error_keeps_what_the_template_says(source: str, message: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        engine_for("kudo.dev/v1").render("a.yaml", source, VARIABLES)
    assert str(error.value) == message
