"""The errors of a pydantic validation, in the terms of the validated file."""

from collections.abc import Callable, Iterator

from pydantic import JsonValue, ValidationError

from kudo.model.suggestion import did_you_mean


def explain(
    error: ValidationError, raw: JsonValue, unknown_field_hint: Callable[[str], str] = lambda _: ""
) -> Iterator[str]:
    """Yield each problem as `field: reason`; a list item is identified by its `name` if it has one, else by its index.

    `raw` is the value that was validated; the hint for the name of an unknown field is appended to its reason.
    """
    for problem in error.errors(include_url=False):
        field = ".".join(_field(problem["loc"], raw))
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "string_type" and isinstance(problem["input"], bool):
            reason = "must be a string, but YAML reads this value as a boolean; quote it"
        if problem["type"] == "extra_forbidden":
            reason = f"unknown field{unknown_field_hint(str(problem['loc'][-1]))}"
        if problem["type"] == "union_tag_invalid":
            tag, expected = problem["ctx"]["tag"], problem["ctx"]["expected_tags"]
            hint = did_you_mean(tag, expected.replace("'", "").split(", "))
            reason = f"unknown task kind {tag!r}{hint or f'; use one of {expected}'}"
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
            # pydantic adds the tag of a union, which is the kind, to the location; it is not a field.
            yield str(part)
