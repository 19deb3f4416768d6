"""Durations as Go and Kubernetes write them: 90s, 5m, 1h30m."""

from datetime import timedelta
from typing import Annotated

import durationpy
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

EXAMPLES = "a duration such as 90s, 5m or 1h30m"

LONGEST = timedelta(hours=876000)
"""A hundred years. A deadline after the year 9999 would raise in workflow code, and the plan could not be cancelled."""


def parse_duration(value: object) -> timedelta:
    """Return the duration that a text denotes. Raises ValueError if it is malformed, not positive, or above LONGEST."""
    if isinstance(value, timedelta):
        return value
    problem = f"must be {EXAMPLES}, not {value!r}"
    if not isinstance(value, str) or not value:
        raise ValueError(problem)
    try:
        duration = durationpy.from_str(value)
    except (durationpy.DurationError, OverflowError):
        raise ValueError(problem) from None
    if duration <= timedelta(0):
        raise ValueError("must be greater than zero")
    if duration > LONGEST:
        raise ValueError(f"must be at most {LONGEST // timedelta(hours=1)}h, not {value}")
    return duration


def show_duration(duration: timedelta) -> str:
    """Return a duration in Go's notation, such as 1h30m."""
    return str(durationpy.to_str(duration))


def show_elapsed(duration: timedelta) -> str:
    """Return a measured duration: in tenths of a second below ten seconds, in whole seconds above."""
    seconds = max(duration.total_seconds(), 0)
    rounded = timedelta(seconds=round(seconds, 1) if seconds < 10 else round(seconds))
    return show_duration(rounded) if rounded else "0s"


PATTERN = r"^\+?(?=.*[1-9])(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|mm|s|m|h|d|w|y))+$"
"""A duration for JSON Schemas; a regular expression cannot express LONGEST."""

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "patternErrorMessage": f"must be {EXAMPLES}"}),
]
"""A duration that is written as in Go."""
