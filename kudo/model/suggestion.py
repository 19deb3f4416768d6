"""Suggestions for names that do not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean NAME?` with the known name that is closest; empty if none is close."""
    by_plain = {_plain(other): other for other in known}
    found = get_close_matches(_plain(name), by_plain, n=1, cutoff=0.7)
    return f"; did you mean {by_plain[found[0]]}?" if found else ""


def _plain(name: str) -> str:
    """Return a name without the differences between styles, as of `toYaml` and `to_yaml`."""
    return name.lower().replace("_", "").replace("-", "")
