"""From rendered text to Kubernetes objects."""

import pytest

from kudo.errors import ResourceUnmarshalError
from kudo.manifests.parse import parse

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"


def names(text: str) -> list[str]:
    return [item.name for item in parse({"a.yaml": text})]


def refused(text: str) -> str:
    with pytest.raises(ResourceUnmarshalError) as error:
        parse({"a.yaml": text})
    return str(error.value)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# a comment\n", "---\n", "---\n# a comment\n---\n...\n", "null", "{}", "---\n{}\n---\n~\n"]
)
def test_text_without_objects_parses_to_none(text: str) -> None:
    assert parse({"a.yaml": text}) == []


def test_order_of_documents_and_templates_is_kept() -> None:
    first = f"{CONFIG_MAP.format('b')}---\n# nothing here\n---\n{CONFIG_MAP.format('a')}"
    items = parse({"z.yaml": first, "y.yaml": CONFIG_MAP.format("c")})
    assert [item.name for item in items] == ["b", "a", "c"]
    assert items[0].manifest == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}


@pytest.mark.parametrize("kind", ["List", "ConfigMapList"])
def test_lists_are_flattened(kind: str) -> None:
    text = (
        f"apiVersion: v1\nkind: {kind}\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
        "- apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]\n"
    )
    assert names(text + "---\n" + CONFIG_MAP.format("c")) == ["a", "b", "c"]


def test_empty_list_has_no_objects() -> None:
    assert names("apiVersion: v1\nkind: List\nitems: []\n") == []


def test_kind_that_ends_in_list_without_items_is_an_object() -> None:
    assert names("apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}") == ["a"]


def test_numbers_and_dates_are_parsed_as_in_go() -> None:
    (item,) = parse({"a.yaml": CONFIG_MAP.format("a") + "data:\n  day: 2020-01-01\n  mode: 0644\n  on: yes\n"})
    assert item.manifest["data"] == {"day": "2020-01-01", "mode": 420, "true": True}


def test_last_duplicate_key_wins_as_in_kudo() -> None:
    (item,) = parse({"a.yaml": CONFIG_MAP.format("a") + "data: {a: '1'}\ndata: {b: '2'}\n"})
    assert item.manifest["data"] == {"b": "2"}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("a: 1", "apiVersion and kind and metadata.name"),
        ("apiVersion: v1\nmetadata: {name: a}", "kind"),
        ("kind: Pod\nmetadata: {name: a}", "apiVersion"),
        ("apiVersion: v1\nkind: Pod", "metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}", "metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: ''}", "metadata.name"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Pod, metadata: {name: a}}]", "apiVersion"),
    ],
)
def test_object_without_a_required_field_is_refused(text: str, missing: str) -> None:
    assert refused(text) == f"templates/a.yaml (rendered document at line 1) lacks {missing}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- a\n- b", "a list"),
        ("secret", "a string"),
        ("5", "a number"),
        ("5.7", "a number"),
        ("yes", "a boolean"),
    ],
)
def test_document_that_is_not_an_object_is_refused_without_showing_it(text: str, what: str) -> None:
    assert refused(f"# comment\n---\n{text}\n") == (
        f"templates/a.yaml (rendered document at line 3) is {what}, not a Kubernetes object; "
        f"check the indentation and the '---' separators"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: b: c", "line 1: mapping values are not allowed in this context"),
        ("a: 1\n\tb: 2", "line 2: found a tab character that violates indentation"),
        (CONFIG_MAP.format("a") + "---\na: [1", "line 7: did not find expected ',' or ']'"),
        ("a: &a [*a]", "line 1: an alias refers to a value that contains it"),
        (
            "a: \x00",
            'unacceptable character #x0000: control characters are not allowed in "<unicode string>", position 3',
        ),
    ],
)
def test_invalid_yaml_is_refused(text: str, reason: str) -> None:
    assert refused(text) == f"templates/a.yaml did not render to YAML: {reason}"


@pytest.mark.parametrize("text", ["a: *swordfish", "a: !swordfish b", "a: !!int swordfish"])
def test_error_does_not_contain_rendered_text(text: str) -> None:
    with pytest.raises(ResourceUnmarshalError) as error:
        parse({"a.yaml": text})
    assert "swordfish" not in str(error.value)


def test_items_of_a_typed_list_have_its_kind() -> None:
    text = "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n- {kind: ConfigMap, metadata: {name: b}}\n"
    assert [(item.api_version, item.kind, item.name) for item in parse({"a.yaml": text})] == [
        ("v1", "Secret", "a"),
        ("v1", "ConfigMap", "b"),
    ]
