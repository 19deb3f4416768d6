"""YAML, parsed as by the library of Go, and input that is refused."""

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kudo.model import yaml

SCALARS: list[tuple[str, object]] = [
    ("2020-01-01", "2020-01-01"),
    ("12:30:00", "12:30:00"),
    ("1:30", "1:30"),
    ("1e3", 1000),
    ("1.5e+3", 1500),
    ("2.0", 2),
    ("1e22", 1e22),
    ("1e400", "1e400"),
    ("08", 8),
    ("y", True),
    ("N", False),
    (".5", 0.5),
    ("5.7", 5.7),
    ("0o17", 15),
    ("017", 15),
    ("-017", -15),
    ("0x1F", 31),
    ("-0x1f", -31),
    ("0b11", 3),
    ("1_000", 1000),
    ("_1", "_1"),
    ("+1", 1),
    ("yes", True),
    ("Off", False),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("~", None),
    ("Null", None),
    ("", None),
    ("=", "="),
    ("1.2.3", "1.2.3"),
    ("!!str 5", "5"),
    ("'5'", "5"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[text or "empty" for text, _ in SCALARS])
def test_plain_scalar_resolves_as_in_go(text: str, value: object) -> None:
    loaded = yaml.load(f"key: {text}")
    assert loaded == {"key": value}
    assert type(loaded["key"]) is type(value)


def test_keys_become_strings() -> None:
    assert yaml.load("{1: a, true: b, 1.5: c, d: d}") == {"1": "a", "true": "b", "1.5": "c", "d": "d"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: duplicate key 'a'"),
        ("{1: a, '1': b}", "line 1: duplicate key '1'"),
        ("a:\n  ? [b]\n  : c", "line 2: a key must be a string, number or boolean"),
        ("a: .inf", "line 1: .inf cannot be represented in JSON"),
        ("a: 1\n\nb: c: d", "line 3: mapping values are not allowed in this context"),
        ("a:\n\t b: c", "line 2: found character that cannot start any token"),
        ("a: *b", "line 1: found undefined alias"),
        ("a: &b [*b]", "line 1: an alias refers to a value that contains it"),
        ("&a {<<: *a}", "line 1: an alias refers to a value that contains it"),
        ("<<: 5", "line 1: expected a mapping or list of mappings for merging, but found scalar"),
        ("a: 1\n---\nb: 2", "contains more than one document"),
        ("---a: 1", "line 1: '---' must be followed by a line break or a blank"),
        ("a: 1\n---{b: 2}", "line 2: '---' must be followed by a line break or a blank"),
    ],
)
def test_invalid_yaml_is_refused_with_line_and_reason(text: str, message: str) -> None:
    with pytest.raises(yaml.YamlError) as error:
        yaml.load(text)
    assert str(error.value) == message


def test_control_characters_are_refused() -> None:
    with pytest.raises(yaml.YamlError, match="unacceptable character #x0000"):
        yaml.load("a: \0")


def test_last_duplicate_key_wins_if_duplicates_are_allowed() -> None:
    found: list[str] = []
    assert yaml.load("a: 1\nb:\n  c: 1\n  c: 2\na: 2", found) == {"a": 2, "b": {"c": 2}}
    assert sorted(found) == ["line 4: duplicate key 'c'", "line 5: duplicate key 'a'"]


def test_explicit_key_overrides_merged_key() -> None:
    text = "base: &base {a: 1, b: 2}\nmerged:\n  <<: *base\n  b: 3\n"
    assert yaml.load(text) == {"base": {"a": 1, "b": 2}, "merged": {"a": 1, "b": 3}}


def test_first_of_several_merged_maps_wins() -> None:
    assert yaml.load("<<: [{a: 1}, {a: 2, b: 2}]\nc: 3") == {"a": 1, "b": 2, "c": 3}


def test_alias_repeats_the_anchored_value() -> None:
    assert yaml.load("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("text", ["[" * 102 + "]" * 102, "{a: " * 102 + "}" * 102, "[" * 2000, "- " * 1000 + "a"])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(yaml.YamlError, match="nested deeper than 100 levels"):
        yaml.load(text)


def test_moderate_nesting_is_accepted() -> None:
    assert str(yaml.load("[" * 90 + "]" * 90)).count("[") == 90


def test_alias_bomb_is_refused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(yaml.YamlError) as error:
        yaml.load("\n".join(levels))
    assert str(error.value) == "line 6: more than 200000 values after alias expansion"


def test_documents_have_their_lines_and_empty_ones_are_skipped() -> None:
    text = "# comment\n---\n---\na: 1\n---\n# nothing\n---\n- b\n...\n"
    assert list(yaml.load_documents(text)) == [(4, {"a": 1}), (8, ["b"])]


@pytest.mark.parametrize("text", ["", "# comment\n", "---\n---\n", "null"])
def test_empty_document_loads_as_none(text: str) -> None:
    assert yaml.load(text) is None


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def json_of(text: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )


@settings(max_examples=150)
@given(value=json_of(TEXT | st.from_regex(r"[-+.0-9eEoxyn_:]{1,8}", fullmatch=True)))
def test_dumped_value_loads_as_the_same_value(value: object) -> None:
    assert yaml.load(yaml.dump(value)) == value


# Without y, n and digits: PyYAML writes y, 1e3 and 0o17 as plain strings, which Go resolves to other types.
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Nd"], exclude_characters="\x85yYnN"))


@settings(max_examples=80)
@given(value=json_of(PLAIN))
def test_output_of_pyyaml_is_parsed(value: object) -> None:
    assert yaml.load(pyyaml.safe_dump(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "!!int abc",
        "!!float abc",
        "!!bool maybe",
        "!!map [1]",
        "1" * 5000,
        "!!binary YQ=",
        "!!binary /w==",
    ],
    ids=lambda text: text[:12],
)
def test_value_without_json_counterpart_is_refused(text: str) -> None:
    with pytest.raises(yaml.YamlError):
        yaml.load(f"a: {text}")


def test_surrogate_pair_is_decoded_and_half_of_one_is_refused() -> None:
    assert yaml.load(r'"\ud83d\ude00"') == "\U0001f600"
    assert yaml.load(r'{"a": "\ud83d\ude00", "b": 2.0}') == {"a": "\U0001f600", "b": 2}
    for text in (r'"\ud800"', r'{a: "\ud83d\ude00"}', r'["\ud83d\ude00", NaN]'):
        with pytest.raises(yaml.YamlError, match="invalid Unicode character escape code"):
            yaml.load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!custom text", "text"),
        ("!custom 5", "5"),
        ("!custom [1, 2]", [1, 2]),
        ("!custom {a: !other b}", {"a": "b"}),
        ("! 5", 5),
        ("!!binary aGVsbG8=", "hello"),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("!!omap [a: 1]", [{"a": 1}]),
        ("!!python/object:os.system x", "x"),
        ("!<tag:example.com,2000:x> y", "y"),
    ],
)
def test_tag_that_is_not_known_is_ignored(text: str, value: object) -> None:
    assert yaml.load(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: b\t", {"a": "b"}),
        ("a:\tb", {"a": "b"}),
        ("a: b\t# comment", {"a": "b"}),
        ("a:\t\n  b:\t1", {"a": {"b": 1}}),
        ("[a,\tb]", ["a", "b"]),
        ("{a:\tb,\tc: d\t}", {"a": "b", "c": "d"}),
        ("a: |\t\n  x\n", {"a": "x\n"}),
    ],
)
def test_tabs_separate_as_blanks_do(text: str, value: object) -> None:
    assert yaml.load(text) == value


@pytest.mark.parametrize(
    "separator", ["---", "--- ", "---\t", "--- # comment", "---# comment", "---#", "----", "---------- second"]
)
def test_rest_of_a_separator_is_ignored(separator: str) -> None:
    documents = list(yaml.load_documents(f"a: 1\n{separator}\nb: 2\n"))
    assert documents[0] == (1, {"a": 1})
    assert [document for _, document in documents] == [{"a": 1}, {"b": 2}]


def test_content_behind_a_separator_is_kept() -> None:
    documents = [document for _, document in yaml.load_documents("--- {a: 1}\n--- [b]\n--- |\n  ---# no separator\n")]
    assert documents == [{"a": 1}, ["b"], "---# no separator\n"]


def test_repeated_alias_of_a_long_text_is_refused() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 101)}]"
    with pytest.raises(yaml.YamlError, match="more than 10,000,000 characters after alias expansion"):
        yaml.load(text)


@pytest.mark.parametrize(
    "text", ["0b" + "1" * 100_000 + "x", "1" * 100_000 + "x", "1_" * 50_000 + "x", "." + "1" * 100_000 + "e"]
)
def test_long_scalars_are_resolved_in_linear_time(text: str) -> None:
    assert yaml.load(f"a: {text}") == {"a": text}
