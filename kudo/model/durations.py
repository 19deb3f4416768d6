"""Durations as Go and Kubernetes write them: 90s, 5m, 1h30m."""

from datetime import timedelta
from typing import Annotated

import durationpy
from pydantic import BeforeValidator, PlainSerializer

LONGEST = timedelta(hours=876000)
"""A hundred years; a date of more than four digits would be an error in every workflow, which nobody could cancel."""


def parse_duration(value: object) -> timedelta:
    """The duration that a text stands for. Raises ValueError where it is none, not above nothing, or above LONGEST."""
    if isinstance(value, timedelta):
        return value
    problem = f"must be a duration such as 90s, 5m or 1h30m, not {value!r}"
    if not isinstance(value, str) or not value:
        raise ValueError(problem)
    try:
        duration = durationpy.from_str(value)
    except (durationpy.DurationError, OverflowError):
        raise ValueError(problem) from None
    if duration <= timedelta(0):
        raise ValueError("must be longer than nothing")
    if duration > LONGEST:
        raise ValueError(f"must not be longer than {LONGEST // timedelta(hours=1)}h, not {value}")
    return duration


def show_duration(duration: timedelta) -> str:
    """A duration as a person writes it."""
    return str(durationpy.to_str(duration))


def show_elapsed(duration: timedelta) -> str:
    """A measured duration: in tenths of a second below ten seconds, and in whole seconds above."""
    seconds = max(duration.total_seconds(), 0)
    rounded = timedelta(seconds=round(seconds, 1) if seconds < 10 else round(seconds))
    return show_duration(rounded) if rounded else "0s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(show_duration, return_type=str)]
"""A duration that is written as in Go."""
