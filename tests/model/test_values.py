"""Parameter values: strings in an Instance, arrays and maps in templates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kudo.model import values, yaml
from kudo.model.parameter_types import ParameterType
from kudo.model.parameters import Parameter


@pytest.mark.parametrize(
    ("value", "kind", "wrapped"),
    [
        (None, "string", None),
        ("text", "string", "text"),
        ("yes", "string", "yes"),
        (5, "string", "5"),
        (5.7, "string", "5.7"),
        (3.0, "integer", "3"),
        (0.25, "number", "0.25"),
        (True, "boolean", "true"),
        (False, "boolean", "false"),
        ([1, "a"], "array", "- 1\n- a\n"),
        ({"b": 1, "a": [True]}, "map", "b: 1\na:\n- true\n"),
        ([], "array", "[]\n"),
        ({}, "map", "{}\n"),
        ("[1, 2]", "array", "[1, 2]"),
        ("a: 1", "map", "a: 1"),
    ],
)
def test_yaml_value_is_wrapped_into_a_string(value: object, kind: ParameterType, wrapped: str | None) -> None:
    assert values.wrap(value, kind) == wrapped


@pytest.mark.parametrize(
    ("value", "kind", "unwrapped"),
    [
        ("true", "boolean", "true"),
        ("3", "integer", "3"),
        ("0.5", "number", "0.5"),
        ("[1]", "string", "[1]"),
        (None, "string", ""),
        (None, "integer", ""),
        ("[1, a, {b: yes}]", "array", [1, "a", {"b": True}]),
        ("a: 1\nb: [x]", "map", {"a": 1, "b": ["x"]}),
        (None, "array", []),
        ("", "map", {}),
        ("null", "array", []),
        ("# nothing", "map", {}),
    ],
)
def test_only_arrays_and_maps_are_unwrapped(value: str | None, kind: ParameterType, unwrapped: object) -> None:
    assert values.unwrap(value, kind) == unwrapped


def test_unwrapping_invalid_yaml_raises() -> None:
    with pytest.raises(yaml.YamlError, match="line 2: did not find expected"):
        values.unwrap("[1, 2", "array")


@pytest.mark.parametrize(
    ("kind", "good", "bad", "wanted"),
    [
        ("string", ["", "a", "5"], [], ""),
        (
            "integer",
            ["0", "-3", "+1", "007"],
            ["", "a", "1.5", "1e3", "0x10", "1_0", "1\n", "true", "٣", str(2**63)],
            "an integer",
        ),
        ("number", ["1", "-1.5", ".5", "5.", "1e3", "+2E-4"], ["", ".", "a", "1,5", "e3", "1e400"], "a number"),
        ("boolean", ["true", "false", "T", "f", "1", "0", "FALSE"], ["", "yes", "on", "2", "tRUE"], "true or false"),
        ("array", ["[]", "[1]", "- a\n- b"], ["", "a", "a: 1", "[", "null"], "a YAML list"),
        ("map", ["{}", "a: 1"], ["", "a", "[1]", "{", "a: 1\na: 2"], "a YAML map"),
    ],
)
def test_value_is_checked_against_its_type(kind: ParameterType, good: list[str], bad: list[str], wanted: str) -> None:
    parameter = Parameter(name="A", type=kind)
    assert [values.problem(parameter, value) for value in good] == [None] * len(good)
    assert [values.problem(parameter, value) for value in bad] == [f"must be {wanted}" for value in bad]


def test_value_outside_enum_is_refused_with_the_allowed_values() -> None:
    parameter = Parameter(name="A", enum=["small", "large"])
    assert values.problem(parameter, "large") is None
    assert values.problem(parameter, "huge") == "must be one of small, large"


def test_type_is_checked_before_enum() -> None:
    parameter = Parameter(name="A", type="integer", enum=["1", "2"])
    assert values.problem(parameter, "one") == "must be an integer"
    assert values.problem(parameter, "3") == "must be one of 1, 2"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.lists(JSON, max_size=4))
def test_array_round_trips_through_wrapping(value: list[object]) -> None:
    wrapped = values.wrap(value, "array")
    assert wrapped is not None
    assert values.unwrap(wrapped, "array") == value
    assert values.problem(Parameter(name="A", type="array"), wrapped) is None


@settings(max_examples=50)
@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_map_round_trips_through_wrapping(value: dict[str, object]) -> None:
    wrapped = values.wrap(value, "map")
    assert wrapped is not None
    assert values.unwrap(wrapped, "map") == value
    assert values.problem(Parameter(name="A", type="map"), wrapped) is None


@settings(max_examples=50)
@given(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_wrapped_scalar_is_a_valid_value_of_its_type(integer: int, number: float, flag: bool) -> None:
    scalars: list[tuple[object, ParameterType]] = [(integer, "integer"), (number, "number"), (flag, "boolean")]
    for value, kind in scalars:
        wrapped = values.wrap(value, kind)
        assert wrapped is not None
        assert values.problem(Parameter(name="A", type=kind), wrapped) is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "value",
    ["1" * 40_000 + "x", "1" * 40_000 + ".", "." + "1" * 40_000 + "e", "1e" + "1" * 40_000 + "x", "1." * 20_000],
)
@pytest.mark.parametrize("kind", ["number", "integer", "array", "map", "boolean"])
def test_long_value_is_refused_in_linear_time(kind: ParameterType, value: str) -> None:
    parameter = Parameter(name="A", type=kind)
    problem = values.problem(parameter, value)
    assert problem is not None
    assert len(problem) < 100
