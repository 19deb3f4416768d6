"""Parameters of an OperatorVersion: every value is a string, which is YAML for arrays and maps."""

from kudo.model.base import Model, Name, Text
from kudo.model.parameter_types import ParameterType


class Parameter(Model):
    """A parameter of an operator (KUDO's `pkg/apis/kudo/v1beta1` `Parameter`)."""

    name: Name
    display_name: Text = ""
    description: Text = ""
    required: bool = True
    default: str | None = None
    trigger: Text = ""
    type: ParameterType = "string"
    immutable: bool = False
    enum: list[str] | None = None
