"""Install: Operator, OperatorVersion and Instance of a package."""

import re
from collections.abc import Mapping

from kudo.errors import NamespaceNotFound, PackageError, RequestError, TaskRenderingError
from kudo.instances.crds import require_crds
from kudo.instances.parameters import check_parameters, with_fixed
from kudo.instances.pending_plan import pending_plan_hint, pending_plan_metadata
from kudo.instances.resources import find_operator_version, instance_ref, list_instances, parse_instance
from kudo.instances.triggers import DEPLOY
from kudo.kubernetes import Cluster
from kudo.model.annotations import HERITAGE, OPERATOR
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef
from kudo.model.package import DNS_LABEL, Package
from kudo.model.resources import API_VERSION, ObjectMeta, OperatorSpec, OperatorVersion, OperatorVersionSpec, Reference
from kudo.packages import Bundle, parameter_of
from kudo.templates import condition_uses, engine_for


async def check_install(
    cluster: Cluster,
    bundle: Bundle,
    namespace: str,
    instance: str,
    parameters: Mapping[str, str],
    *,
    create_namespace: bool = False,
) -> None:
    """Find everything that would stop an install, before anything is written.

    Raises RequestError, InvalidParams or NamespaceNotFound with what to do, and what reading a cluster can raise.
    """
    if not DNS_LABEL.fullmatch(instance) or len(instance) > 63:
        raise RequestError(
            f"{instance!r} is no name for an instance: use up to 63 lower case letters, digits, '-' and '.'."
        )
    check_parameters(operator_version_spec(bundle.package).parameters, parameters)
    await check_package(cluster, bundle, namespace, create_namespace=create_namespace)
    there = await cluster.get(instance_ref(namespace, instance))
    if there is not None:
        left = pending_plan_hint(parse_instance(there))
        raise RequestError(
            f"There is an instance {instance} in the namespace {namespace} already.{left} "
            "Change it with `kudo update`, or choose another name with --instance."
        )


async def check_package(cluster: Cluster, bundle: Bundle, namespace: str, *, create_namespace: bool = False) -> None:
    """Find everything that would stop an install of a package alone; see `check_install`."""
    for package in bundle.packages:
        _check_templates(package)
        await _check_version(cluster, package)
    await require_crds(cluster)
    if not create_namespace and await cluster.get(ObjectRef("v1", "Namespace", "", namespace)) is None:
        raise NamespaceNotFound(f"There is no namespace {namespace}. Have it made with --create-namespace.")
    for package in bundle.packages:
        await _check_same_version(cluster, package, namespace)


def _check_templates(package: Package) -> None:
    engine = engine_for(package.operator.api_version)
    problems = []
    for name, source in package.templates.items():
        try:
            engine.check(name, source)
        except TaskRenderingError as error:
            problems.append(str(error))
    for where, condition in package.operator.conditions().items():
        try:
            condition_uses(f"operator.yaml: {where}", condition)
        except TaskRenderingError as error:
            problems.append(str(error))
    if problems:
        raise PackageError(package.operator_version_name, problems)


async def _check_version(cluster: Cluster, package: Package) -> None:
    wanted, there = package.operator.kubernetes_version, await cluster.version()
    if wanted and _minor(there) < _minor(wanted):
        raise RequestError(f"{package.operator.name} needs Kubernetes {wanted} or newer, and the cluster has {there}.")


def _minor(version: str) -> tuple[int, int]:
    numbers = re.match(r"v?(\d+)(?:\.(\d+))?", version)
    return (int(numbers[1]), int(numbers[2] or 0)) if numbers else (0, 0)


async def _check_same_version(cluster: Cluster, package: Package, namespace: str) -> None:
    """Refuse to change an OperatorVersion below the Instances that use it."""
    name = package.operator_version_name
    there = await find_operator_version(cluster, namespace, name)
    if there is None or there.spec == operator_version_spec(package):
        return
    users = [item.name for item in await list_instances(cluster, namespace) if item.spec.operator_version.name == name]
    if users:
        raise RequestError(
            f"The OperatorVersion {name} in the namespace {namespace} differs from this package, and is used by "
            f"{', '.join(users)}. Give the package another operatorVersion, or uninstall these first."
        )


async def install_package(cluster: Cluster, bundle: Bundle, namespace: str) -> None:
    """Apply Operator and OperatorVersion of a package and of what it depends on. Raises what applying can raise."""
    for package in bundle.packages:
        await _install(cluster, package, namespace)


async def _install(cluster: Cluster, package: Package, namespace: str) -> None:
    operator = package.operator
    spec = OperatorSpec.model_validate(operator.model_dump(include=set(OperatorSpec.model_fields)))
    await cluster.apply(_resource("Operator", namespace, operator.name, spec.to_json()))
    version = operator_version_spec(package)
    await cluster.apply(_resource("OperatorVersion", namespace, package.operator_version_name, version.to_json()))


async def install_instance(
    cluster: Cluster, package: Package, namespace: str, name: str, parameters: Mapping[str, str]
) -> None:
    """Make an Instance of an installed package, whose plan deploy is pending.

    Raises ConflictError where there is one, and what writing can raise.
    """
    values = with_fixed(operator_version_spec(package).parameters, parameters)
    spec: Manifest = {"operatorVersion": {"name": package.operator_version_name}, "parameters": values}
    instance = _resource("Instance", namespace, name, spec)
    labels = {HERITAGE: "kudo", OPERATOR: package.operator.name}
    instance.manifest["metadata"] |= {"labels": labels, **pending_plan_metadata(DEPLOY)}
    await cluster.create(instance)


def _resource(kind: str, namespace: str, name: str, spec: Mapping[str, object]) -> Object:
    return Object.of(API_VERSION, kind, {"name": name, "namespace": namespace}, spec=dict(spec))


def operator_version(package: Package) -> OperatorVersion:
    """What a cluster would know of a package."""
    metadata = ObjectMeta(name=package.operator_version_name)
    return OperatorVersion(metadata=metadata, spec=operator_version_spec(package))


def operator_version_spec(package: Package) -> OperatorVersionSpec:
    """The OperatorVersion of a package."""
    operator = package.operator
    return OperatorVersionSpec(
        operator=Reference(name=operator.name),
        version=operator.operator_version,
        app_version=operator.app_version,
        package_api_version="" if operator.api_version == API_VERSION else operator.api_version,
        templates=package.templates,
        tasks=[task.to_json() for task in operator.tasks],
        parameters=[parameter_of(definition) for definition in package.params.parameters],
        plans={name: plan.to_json() for name, plan in operator.plans.items()},
    )
