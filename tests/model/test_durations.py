"""Durations in the format of Go."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kudo.model.durations import LONGEST, parse_duration, show_duration, show_elapsed


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1.5s", 1.5), ("100ms", 0.1), ("2h", 7200)]
)
def test_duration_is_parsed(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "five minutes", "-5m", "0s", "1e9h", "5 m", "PT5M", None, 5, True, []])
def test_invalid_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"must be a duration such as 90s, 5m or 1h30m, not|must be greater than zero"):
        parse_duration(text)


def test_duration_above_the_limit_is_refused() -> None:
    assert parse_duration("876000h") == timedelta(hours=876000)
    with pytest.raises(ValueError, match="must be at most 876000h, not 99999999h"):
        parse_duration("99999999h")


@given(st.timedeltas(min_value=timedelta(milliseconds=1), max_value=LONGEST))
def test_shown_duration_is_parsed_to_the_same_value(duration: timedelta) -> None:
    whole = timedelta(milliseconds=round(duration / timedelta(milliseconds=1)) or 1)
    assert parse_duration(show_duration(whole)) == whole


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (-1, "0s"), (0.04, "0s"), (0.21, "200ms"), (3.14, "3.1s"), (61.7, "1m2s"), (3600, "1h")],
)
def test_elapsed_time_is_rounded(seconds: float, shown: str) -> None:
    assert show_elapsed(timedelta(seconds=seconds)) == shown
