"""Install a package, and an Instance of it."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kudo.client import Run
from kudo.errors import KudoError, NamespaceNotFound, PackageError, RequestError, TaskRenderingError
from kudo.instances.crds import require_crds
from kudo.instances.operator_versions import operator_version_spec
from kudo.instances.parameters import check_parameters, with_fixed
from kudo.instances.pending_plan import pending_plan_hint, pending_plan_metadata
from kudo.instances.resources import find_operator_version, instance_ref, list_instances, parse_instance
from kudo.kubernetes import Cluster
from kudo.model.annotations import HERITAGE, OPERATOR
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef
from kudo.model.package import MAX_LABEL, SUBDOMAIN, Package
from kudo.model.plans import DEPLOY
from kudo.model.resources import API_VERSION, OperatorSpec
from kudo.operations.namespace import create_namespace_if_missing
from kudo.operations.session import NO_PARAMETERS, Session
from kudo.packages import Bundle
from kudo.templates import condition_uses, engine_for

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Installed:
    """The result of an install: the run of the plan deploy, and whether the namespace was created."""

    run: Run
    namespace_created: bool


async def install(
    session: Session, bundle: Bundle, instance: str, parameters: Values, *, create_namespace: bool = False
) -> Installed:
    """Install a package and an Instance of it, and start the plan deploy; delete the Instance if that fails.

    Raises what `check_install` raises, PlanAlreadyRunning, TemporalUnavailable, and the errors of writing to a cluster.
    """
    await check_install(session, bundle, instance, parameters, create_namespace=create_namespace)
    await session.plans.require_idle(session.namespace, instance)
    created = await _create_instance(session, bundle, instance, parameters, create_namespace)
    try:
        run = await session.start(session.request(instance, DEPLOY))
    except (KudoError, asyncio.CancelledError):
        await session.cluster.delete(instance_ref(session.namespace, instance))
        raise
    return Installed(run, created)


async def create_instance(session: Session, bundle: Bundle, instance: str, parameters: Values) -> None:
    """Install a package and an Instance of it, whose plan deploy stays pending.

    Raises what `check_install` raises, and the errors of writing to a cluster.
    """
    await check_install(session, bundle, instance, parameters)
    await _create_instance(session, bundle, instance, parameters, create_namespace=False)


async def install_package(
    session: Session,
    bundle: Bundle,
    *,
    instance: str = "",
    parameters: Values = NO_PARAMETERS,
    create_namespace: bool = False,
) -> bool:
    """Install a package without an Instance; return whether the namespace was created.

    `instance` and `parameters` are for the template of a namespace that is created. Raises what `check_package` raises,
    and the errors of writing to a cluster.
    """
    await check_package(session, bundle, create_namespace=create_namespace)
    return await _install_package(session, bundle, instance, parameters, create_namespace)


async def _create_instance(
    session: Session, bundle: Bundle, instance: str, parameters: Values, create_namespace: bool
) -> bool:
    created = await _install_package(session, bundle, instance, parameters, create_namespace)
    package = bundle.package
    spec: Manifest = {
        "operatorVersion": {"name": package.operator_version_name},
        "parameters": with_fixed(operator_version_spec(package).parameters, parameters),
    }
    item = _resource("Instance", session.namespace, instance, spec)
    labels = {HERITAGE: "kudo", OPERATOR: package.operator.name}
    item.manifest["metadata"] |= {"labels": labels, **pending_plan_metadata(DEPLOY)}
    await session.cluster.create(item)
    return created


async def _install_package(
    session: Session, bundle: Bundle, instance: str, parameters: Values, create_namespace: bool
) -> bool:
    created = create_namespace and await create_namespace_if_missing(
        session.cluster, bundle.package, session.namespace, instance, parameters
    )
    await apply_package(session.cluster, bundle, session.namespace)
    return created


async def check_install(
    session: Session, bundle: Bundle, instance: str, parameters: Values, *, create_namespace: bool = False
) -> None:
    """Check everything that would refuse an install, before anything is written.

    Raises RequestError, InvalidParams, PackageError or NamespaceNotFound, and the errors of reading a cluster.
    """
    if not SUBDOMAIN.fullmatch(instance) or len(instance) > MAX_LABEL:
        raise RequestError(
            f"{instance!r} is not a valid name for an instance: use up to {MAX_LABEL} lower case letters, digits, '-' "
            "and '.'."
        )
    operator = bundle.package.operator
    if DEPLOY not in operator.plans:
        raise RequestError(
            f"The package {bundle.package.operator_version_name} has no plan {DEPLOY}, so no instance can be installed "
            "with it; an instance can be upgraded to it."
        )
    check_parameters(operator_version_spec(bundle.package).parameters, parameters)
    await check_package(session, bundle, create_namespace=create_namespace)
    existing = await session.cluster.get(instance_ref(session.namespace, instance))
    if existing is not None:
        hint = pending_plan_hint(parse_instance(existing))
        raise RequestError(
            f"The instance {instance} already exists in the namespace {session.namespace}.{hint} Change it with "
            f"`kudo update --instance {instance} --namespace {session.namespace}`, or choose another name with "
            "--instance."
        )


async def check_package(
    session: Session, bundle: Bundle, *, create_namespace: bool = False, force: bool = False
) -> None:
    """Check everything that would refuse an install of a package without an Instance; see `check_install`.

    With `force`, a version that Instances use may change.
    """
    cluster, namespace = session.cluster, session.namespace
    for package in bundle.packages:
        _check_templates(package)
        await _check_version(cluster, package)
    await require_crds(cluster)
    if not create_namespace and await cluster.get(ObjectRef("v1", "Namespace", "", namespace)) is None:
        raise NamespaceNotFound(f"There is no namespace {namespace}. Create it with --create-namespace.")
    for package in bundle.packages if not force else ():
        await _check_same_version(cluster, package, namespace)


def _check_templates(package: Package) -> None:
    engine = engine_for(package.operator.api_version)
    problems = []
    for name, source in package.templates.items():
        try:
            engine.check(name, source)
        except TaskRenderingError as error:
            problems.append(str(error))
    for place, condition in package.operator.conditions().items():
        try:
            condition_uses(f"operator.yaml: {place}", condition)
        except TaskRenderingError as error:
            problems.append(str(error))
    if problems:
        raise PackageError(package.operator_version_name, problems)


async def _check_version(cluster: Cluster, package: Package) -> None:
    required, version = package.operator.kubernetes_version, await cluster.version()
    if required and _minor(version) < _minor(required):
        name = package.operator.name
        raise RequestError(f"{name} requires Kubernetes {required} or newer; the cluster runs {version}.")


def _minor(version: str) -> tuple[int, int]:
    numbers = re.match(r"v?(\d+)(?:\.(\d+))?", version)
    return (int(numbers[1]), int(numbers[2] or 0)) if numbers else (0, 0)


async def _check_same_version(cluster: Cluster, package: Package, namespace: str) -> None:
    """Raise RequestError if an OperatorVersion that Instances use would change."""
    name = package.operator_version_name
    existing = await find_operator_version(cluster, namespace, name)
    wanted = operator_version_spec(package)
    if (
        existing is None
        or existing.spec.model_copy(update={"rewrite_api_versions": package.rewrite_api_versions}) == wanted
    ):
        return
    users = [item.name for item in await list_instances(cluster, namespace) if item.spec.operator_version.name == name]
    if users:
        raise RequestError(
            f"The OperatorVersion {name} in the namespace {namespace} differs from this package, and these instances "
            f"use it: {', '.join(users)}. Change the operatorVersion of the package, or uninstall the instances. "
            f"During development, use `kudo upgrade PACKAGE --instance {users[0]} --namespace {namespace} --force`."
        )


async def apply_package(cluster: Cluster, bundle: Bundle, namespace: str) -> None:
    """Apply the Operators and OperatorVersions of a package and its dependencies. Raises as `Cluster.apply` does."""
    for package in bundle.packages:
        operator = package.operator
        spec = OperatorSpec.model_validate(operator.model_dump(include=set(OperatorSpec.model_fields)))
        await cluster.apply(_resource("Operator", namespace, operator.name, spec.to_json()))
        version = operator_version_spec(package)
        existing = await find_operator_version(cluster, namespace, package.operator_version_name)
        if existing and existing.spec.rewrite_api_versions:
            # Other instances may need it.
            version.rewrite_api_versions = True
        await cluster.apply(_resource("OperatorVersion", namespace, package.operator_version_name, version.to_json()))


def _resource(kind: str, namespace: str, name: str, spec: Mapping[str, object]) -> Object:
    return Object.of(API_VERSION, kind, {"name": name, "namespace": namespace}, spec=dict(spec))
