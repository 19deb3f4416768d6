"""The errors of a pydantic validation as lines for the author of the file."""

from collections.abc import Iterator

from pydantic import JsonValue, ValidationError


def explain(error: ValidationError, raw: JsonValue) -> Iterator[str]:
    """Yield each problem as `field: reason`; items of lists are named by their `name` if they have one.

    `raw` is the value that was validated.
    """
    for problem in error.errors(include_url=False):
        field = ".".join(_field(problem["loc"], raw))
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "string_type" and isinstance(problem["input"], bool):
            reason = "must be a string; YAML reads this one as true or false, so put it in quotes"
        if problem["type"] == "extra_forbidden":
            reason = "there is no such field"
        if problem["type"] == "union_tag_invalid":
            reason = f"there is no task kind {problem['ctx']['tag']!r}; use one of {problem['ctx']['expected_tags']}"
        yield f"{field}: {reason}" if field else reason


def _field(location: tuple[int | str, ...], raw: JsonValue) -> Iterator[str]:
    value = raw
    for part in location:
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
            name = value.get("name") if isinstance(value, dict) else None
            yield name if isinstance(name, str) and name else str(part)
        elif isinstance(value, dict) and part in value:
            value = value[str(part)]
            yield str(part)
        elif part != (value.get("kind") if isinstance(value, dict) else None):
            # The kind is pydantic's tag of a union, not a field.
            yield str(part)
