"""Create the namespace that an Instance is installed into."""

from collections.abc import Mapping

from kudo.errors import ConflictError, ResourceUnmarshalError
from kudo.instances.parameters import template_values
from kudo.kubernetes import Cluster
from kudo.manifests import instance_variables, render
from kudo.model.objects import Object
from kudo.model.package import Package
from kudo.packages import parameter_of
from kudo.rollout import wait_until_healthy
from kudo.templates import Renderer


async def create_namespace_if_missing(
    cluster: Cluster, package: Package, namespace: str, instance: str, parameters: Mapping[str, str]
) -> bool:
    """Create a namespace from the package's namespaceManifest, and wait until it is active.

    Return False if it exists already; it is not changed then. `namespace` overrides the name in the manifest (KUDO's
    `pkg/kudoctl/packages/install/namespace.go`). Raises TaskRenderingError or ResourceUnmarshalError if the manifest
    does not render to a Namespace, and the errors of writing to a cluster.
    """
    item = Object.of("v1", "Namespace", {})
    if package.operator.namespace_manifest:
        item = await _render(package, namespace, instance, parameters)
    metadata = {**item.child("metadata").manifest, "name": namespace}
    try:
        created = await cluster.create(Object({**item.manifest, "metadata": metadata}))
    except ConflictError:
        return False
    await wait_until_healthy(cluster, [created], lambda _: None)
    return True


async def _render(package: Package, namespace: str, instance: str, parameters: Mapping[str, str]) -> Object:
    operator = package.operator
    defined = [parameter_of(definition) for definition in package.params.parameters]
    variables = instance_variables(
        template_values(defined, parameters),
        operator_name=operator.name,
        name=instance,
        namespace=namespace,
        app_version=operator.app_version,
        operator_version=operator.operator_version,
    )
    name = operator.namespace_manifest
    async with Renderer.of_command() as renderer:
        objects = await renderer.run(
            f"templates/{name}", render, operator.api_version, {name: package.templates[name]}, variables
        )
    if [item.kind for item in objects] != ["Namespace"]:
        raise ResourceUnmarshalError(f"templates/{name} is the namespaceManifest, and must be exactly one Namespace.")
    return objects[0]
