"""What a rule says of an object."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from kudo.model.objects import Object


class State(Enum):
    """What an object's status says."""

    HEALTHY = "healthy"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Health:
    """A state, and the reason where it is not healthy."""

    state: State
    reason: str = ""


HEALTHY = Health(State.HEALTHY)


def waiting(reason: str) -> Health:
    return Health(State.WAITING, reason)


def failed(reason: str) -> Health:
    return Health(State.FAILED, reason)


def said(condition: Object) -> str:
    """What a condition says, in its own words."""
    return (
        ": ".join(part for part in (condition.text("reason"), condition.text("message")) if part) or "it is not ready"
    )


def first(unmet: Iterator[str]) -> Health:
    reason = next(unmet, None)
    return waiting(reason) if reason else HEALTHY
