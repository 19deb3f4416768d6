"""Conditions evaluate to true or false; anything else is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kudo.errors import TaskRenderingError
from kudo.model.execution import Variables
from kudo.templates import condition_uses, evaluate_conditions

VARIABLES: Variables = {"Params": {"ON": "true", "OFF": "false", "SIZE": "small", "HOSTS": ["a"]}, "Name": "test"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("true", True),
        ("Params.ON", True),
        ("Params.OFF", False),
        ("not (Params.OFF | bool)", True),
        ("Params.ON | bool and Params.SIZE == 'small'", True),
        ("Params.SIZE in ['medium', 'large']", False),
        ("Params.HOSTS | length > 1", False),
        ("Name.startswith('te')", True),
        ("Params.MISSING is defined", False),
    ],
)
def test_condition_is_evaluated(condition: str, holds: bool) -> None:
    assert evaluate_conditions({"here": condition}, VARIABLES) == {"here": holds}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            "not Params.OFF",
            "every parameter is a string, and every string that is not empty is true; write `Params.OFF | bool`",
        ),
        ("Params.ON and Params.OFF | bool", "write `Params.ON | bool`"),
        ("1 if Params.OFF else 2", "write `Params.OFF | bool`"),
        ("Params.SIZE", "'Params.SIZE' is neither true nor false"),
        ("Params.HOSTS", "'Params.HOSTS' is neither true nor false"),
        ("1", "'1' is neither true nor false"),
        ("Params.MISSING", "'MISSING' is undefined"),
        ("Params.SIZE ==", "is not a valid expression"),
        ("", "is not a valid expression"),
        ("true }}{{ false", "is not a valid expression"),
        ("true false", "is not a valid expression: unexpected 'false'"),
        ("{% if true %}", "is not a valid expression"),
        ("().__class__.__mro__", "unsafe"),
        ("(" * 5000, "has more than 4,000 characters"),
        ("(" * 3000, "is not a valid expression"),
    ],
)
def test_invalid_condition_is_refused(condition: str, words: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        evaluate_conditions({"plans.deploy.main": condition}, VARIABLES)
    assert str(error.value).startswith("plans.deploy.main.when: ")
    assert words in str(error.value)


@given(st.text(max_size=40))
def test_any_text_evaluates_or_raises_task_rendering_error(condition: str) -> None:
    with contextlib.suppress(TaskRenderingError):
        condition_uses("here", condition)
        assert set(evaluate_conditions({"here": condition}, VARIABLES)) == {"here"}
