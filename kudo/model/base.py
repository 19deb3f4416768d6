"""What all models share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

JsonObject = dict[str, JsonValue]

Manifest = dict[str, Any]
"""A Kubernetes object as JSON; `kudo.model.objects.Object` reads it with types."""

OMIT_EMPTY = Field(exclude_if=lambda value: not value)
"""Leaves a field out of the JSON when it is empty, as Go's `omitempty` does."""

Text = Annotated[str, OMIT_EMPTY]
"""A string that is left out of the JSON when it is empty."""

Name = Annotated[str, Field(min_length=1)]
"""A string that must not be empty."""


class Model(BaseModel):
    """A model whose JSON has Kubernetes' camelCase names; unknown fields are ignored, as KUDO does.

    Numbers are taken for strings, because YAML reads `appVersion: 5.7` as a number.
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
        """A field without a value counts as not there, as Go's decoder has it."""
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value

    def to_json(self) -> JsonObject:
        """As JSON with Kubernetes' names."""
        dumped: JsonObject = self.model_dump(mode="json", exclude_none=True)
        return dumped
