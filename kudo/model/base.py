"""The base class and the field types of all models."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

JsonObject = dict[str, JsonValue]

Manifest = dict[str, Any]
"""A Kubernetes object as JSON; `kudo.model.objects.Object` reads it with types."""

OMIT_EMPTY = Field(exclude_if=lambda value: not value)
"""Field option that omits an empty field from the JSON, as Go's `omitempty` does."""

Text = Annotated[str, OMIT_EMPTY]
"""A string that is omitted from the JSON if it is empty."""

Name = Annotated[str, Field(min_length=1)]
"""A string that must not be empty."""

PartName = Annotated[str, Field(min_length=1, max_length=253)]
"""The name of a plan, phase, step or task; Temporal's IDs, which consist of three of them, have up to 1,000 bytes."""


def byte_size(value: object) -> int:
    """Return the size of a model or a JSON value in a payload of Temporal, in bytes."""
    return len(to_json(value))


class Model(BaseModel):
    """A model whose JSON has Kubernetes' camelCase names and ignores unknown fields, as KUDO does.

    String fields accept numbers, because YAML reads `appVersion: 5.7` as a number.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        coerce_numbers_to_str=True,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        """Treat a null field as absent, as Go's decoder does."""
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value

    def to_json(self) -> JsonObject:
        """Return the model as JSON with Kubernetes' field names."""
        dumped: JsonObject = self.model_dump(mode="json", exclude_none=True)
        return dumped
