"""Any template renders, or raises TaskRenderingError."""

import contextlib
import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates import engine_for

DIALECTS = ["kudo.dev/v1", "kudo.dev/v1beta1"]

VARIABLES: Variables = {
    "Params": {"A": "1", "LIST": [1, "a", None], "MAP": {"k": {"l": True}}},
    "Pipes": {},
    "Name": "test",
}

FRAGMENTS = [
    *("{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", "{{/*", "*/}}", "\n", " ", " ", "text", "é"),
    *("(", ")", "[", "]", "|", ".", ",", ":", "=", ":=", "~", "-", "+", "/", "//", "%", "'", '"', "`", "\\", "$", "$x"),
    *("if ", "else", "end", "endif", "endfor", "for x in ", "range ", "with ", "define ", "block ", "set x = ", "in "),
    *("template ", "macro ", "call ", "filter ", "raw ", "not ", "and ", "or ", "is ", "defined", "do ", "break"),
    *(
        "Params",
        ".Params",
        "Params.A",
        ".Params.A",
        "LIST",
        ".MAP.k",
        "Name",
        ".Name",
        ".Typo",
        "x",
        "__class__",
        "loop",
    ),
    *("0", "1", "-1", "1.5", "1e9", "true", "none", "nil", "'a'", '"a"', "[1]", "{'a': 1}", "``"),
    *(
        "to_yaml",
        "from_yaml",
        "to_json",
        "from_json",
        "bool",
        "quote",
        "b64encode",
        "b64decode",
        "sha256",
        "int",
        "list",
    ),
    *("toYaml", "index ", "printf ", "len ", "dict ", "fromJson ", "b64dec ", "indent ", "trunc ", "slice ", "first "),
    *(
        "default ",
        "sort",
        "join",
        "batch",
        "groupby",
        "xmlattr",
        "map",
        "replace",
        "format",
        "round",
        "tojson",
        "random",
    ),
]

fragments = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
expression = st.lists(st.sampled_from(FRAGMENTS), max_size=8).map(lambda parts: "{{ " + " ".join(parts) + " }}")
statement = st.lists(st.sampled_from(FRAGMENTS), max_size=8).map(lambda parts: "{% " + " ".join(parts) + " %}")


def render(dialect: str, source: str) -> str:
    return engine_for(dialect).render("a.yaml", source, copy.deepcopy(VARIABLES))


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=100)
@given(source=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{\r")))
def test_text_without_braces_renders_to_itself(dialect: str, source: str) -> None:
    assert render(dialect, source) == source


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=300)
@given(source=st.one_of(fragments, expression, statement))
def test_any_template_renders_or_raises_task_rendering_error(dialect: str, source: str) -> None:
    with contextlib.suppress(TaskRenderingError):
        render(dialect, source)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60)
@given(text=st.text())
def test_values_are_printed_unchanged(dialect: str, text: str) -> None:
    source = "{{ Value }}" if dialect == "kudo.dev/v1" else "{{ .Value }}"
    assert engine_for(dialect).render("a.yaml", source, {"Value": text}) == text
