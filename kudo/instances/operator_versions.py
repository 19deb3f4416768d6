"""The OperatorVersion that a package becomes in a cluster."""

from kudo.model.package import Package
from kudo.model.resources import API_VERSION, ObjectMeta, OperatorVersion, OperatorVersionSpec, Reference
from kudo.packages import parameter_of


def operator_version(package: Package) -> OperatorVersion:
    """Return the OperatorVersion of a package as a cluster would return it."""
    metadata = ObjectMeta(name=package.operator_version_name)
    return OperatorVersion(metadata=metadata, spec=operator_version_spec(package))


def operator_version_spec(package: Package) -> OperatorVersionSpec:
    """Return the spec of the OperatorVersion of a package."""
    operator = package.operator
    return OperatorVersionSpec(
        operator=Reference(name=operator.name),
        version=operator.operator_version,
        app_version=operator.app_version,
        package_api_version="" if operator.api_version == API_VERSION else operator.api_version,
        rewrite_api_versions=package.rewrite_api_versions,
        templates=package.templates,
        tasks=[task.to_json() for task in operator.tasks],
        parameters=[parameter_of(definition) for definition in package.params.parameters],
        plans={name: plan.to_json() for name, plan in operator.plans.items()},
    )
