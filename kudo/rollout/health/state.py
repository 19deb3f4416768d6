"""The health of an object, as rules return it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from kudo.model.objects import Object


class State(Enum):
    """The state of an object."""

    HEALTHY = "healthy"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Health:
    """A state, and the reason if it is not HEALTHY."""

    state: State
    reason: str = ""


HEALTHY = Health(State.HEALTHY)


def waiting(reason: str) -> Health:
    return Health(State.WAITING, reason)


def failed(reason: str) -> Health:
    return Health(State.FAILED, reason)


def condition_text(condition: Object) -> str:
    """Return the reason and message of a condition or container state."""
    return (
        ": ".join(part for part in (condition.text("reason"), condition.text("message")) if part) or "it is not ready"
    )


def first_unmet(unmet: Iterator[str]) -> Health:
    """Return WAITING with the first unmet requirement, or HEALTHY if there is none."""
    reason = next(unmet, None)
    return waiting(reason) if reason else HEALTHY
