"""The types of parameters."""

from typing import Literal

ParameterType = Literal["string", "integer", "number", "boolean", "array", "map"]
