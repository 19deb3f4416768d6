"""Parameters of instances: checks, values for templates, and the plan that a change runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kudo.errors import InvalidParams, InvalidPlan, RequestError
from kudo.instances.parameters import check_parameters, template_values
from kudo.instances.triggers import plan_for_change
from kudo.model.parameters import Parameter
from kudo.model.resources import ObjectMeta, OperatorVersion, OperatorVersionSpec

TYPED = [
    Parameter(name="NAME", default="x"),
    Parameter(name="COUNT", type="integer", default="3"),
    Parameter(name="ON", type="boolean", default="true"),
    Parameter(name="LIST", type="array", default="- a\n- b\n"),
    Parameter(name="MAP", type="map", default="a: 1\n"),
    Parameter(name="OPTIONAL", required=False),
]


def test_only_arrays_and_maps_are_unwrapped() -> None:
    assert template_values(TYPED, {"COUNT": "4"}) == {
        "NAME": "x",
        "COUNT": "4",
        "ON": "true",
        "LIST": ["a", "b"],
        "MAP": {"a": 1},
        "OPTIONAL": "",
    }


def test_all_invalid_parameters_are_reported() -> None:
    parameters = [*TYPED, Parameter(name="NEEDED"), Parameter(name="SIZE", enum=["s", "m"], default="s")]
    given_values = {"COUNT": "many", "ON": "maybe", "LIST": "a: b", "MAP": "[", "SIZE": "xl", "NAMES": "y"}
    with pytest.raises(InvalidParams) as error:
        check_parameters(parameters, given_values)
    assert str(error.value).splitlines() == [
        "Invalid parameters:",
        "  - COUNT: must be an integer",
        "  - ON: must be true or false",
        "  - LIST: must be a YAML list",
        "  - MAP: must be a YAML map",
        "  - SIZE: must be one of s, m",
        "  - NAMES: there is no such parameter; did you mean NAME?",
        "  - NEEDED: is required and has no default; set it with -p NEEDED=…",
    ]


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_is_accepted(number: int) -> None:
    check_parameters(TYPED, {"COUNT": str(number)})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_accepted(number: float) -> None:
    check_parameters([Parameter(name="N", type="number")], {"N": str(number)})


def version(*plans: str) -> OperatorVersion:
    parameters = [
        Parameter(name="PLAIN", default="1"),
        Parameter(name="BACKUP", default="1", trigger="backup"),
        Parameter(name="RESTORE", default="1", trigger="restore"),
        Parameter(name="LOST", default="1", trigger="nowhere"),
    ]
    spec = OperatorVersionSpec(parameters=parameters, plans={name: {} for name in plans})
    return OperatorVersion(metadata=ObjectMeta(name="tested-1.0.0"), spec=spec)


ALL = ("deploy", "update", "backup", "restore")


@pytest.mark.parametrize(
    ("plans", "after", "plan"),
    [
        (ALL, {}, None),
        (ALL, {"PLAIN": "1"}, None),
        (ALL, {"PLAIN": "2"}, "update"),
        (("deploy",), {"PLAIN": "2"}, "deploy"),
        (ALL, {"BACKUP": "2"}, "backup"),
        (ALL, {"BACKUP": "2", "PLAIN": "2"}, "backup"),
    ],
)
def test_change_of_parameters_selects_the_plan(plans: tuple[str, ...], after: dict[str, str], plan: str | None) -> None:
    assert plan_for_change(version(*plans), {}, after) == plan


def test_change_back_to_the_default_runs_the_trigger() -> None:
    assert plan_for_change(version(*ALL), {"BACKUP": "2"}, {}) == "backup"


def test_change_with_different_triggers_is_refused() -> None:
    words = r"trigger different plans \(BACKUP triggers backup, RESTORE triggers restore\)"
    with pytest.raises(RequestError, match=words):
        plan_for_change(version(*ALL), {}, {"BACKUP": "2", "RESTORE": "2"})


def test_trigger_of_a_missing_plan_is_refused() -> None:
    with pytest.raises(InvalidPlan, match="has no plan 'nowhere'"):
        plan_for_change(version(*ALL), {}, {"LOST": "2"})
