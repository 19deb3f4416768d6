"""Values with which a package is verified."""

from pydantic import JsonValue

from kudo.manifests import instance_variables
from kudo.model import values
from kudo.model.execution import Variables
from kudo.model.package import Package, ParameterDefinition
from kudo.packages import parameter_of

_SAMPLES = {"integer": "1", "number": "1", "boolean": "true", "array": "[]", "map": "{}"}
"""Values of parameters that have no default, by type."""


def sample_variables(package: Package) -> Variables:
    """Return the variables of an instance, with the defaults of parameters; a required one without gets a sample."""
    operator = package.operator
    return instance_variables(
        {definition.name: _value(definition) for definition in package.params.parameters},
        operator_name=operator.name,
        name=f"{operator.name}-instance",
        namespace="default",
        app_version=operator.app_version,
        operator_version=operator.operator_version,
    )


def _value(definition: ParameterDefinition) -> JsonValue:
    parameter = parameter_of(definition)
    default = parameter.default
    if default is None and parameter.required:
        default = parameter.enum[0] if parameter.enum else _SAMPLES.get(parameter.type, "sample")
    return values.unwrap(default, parameter.type)
