"""Upgrade an Instance to a newer version of its package."""

from collections.abc import Mapping

from kudo.errors import RequestError
from kudo.instances.change import Change, compute_change
from kudo.instances.operator_versions import operator_version
from kudo.instances.pending_plan import pending_plan_hint
from kudo.instances.resources import read_instance, read_operator_version
from kudo.model.resources import Instance, OperatorVersion
from kudo.model.versions import PackageVersion
from kudo.operations.install import apply_package, check_package
from kudo.operations.session import Session
from kudo.operations.update import Changed, apply_change
from kudo.packages import Bundle


async def check_upgrade(session: Session, bundle: Bundle, instance: str, parameters: Mapping[str, str]) -> Change:
    """Check a change of the version, and of parameters with it, without writing it.

    Raises InstanceNotFound, InvalidOperatorVersion, InvalidParams, InvalidPlan, PackageError or RequestError, and the
    errors of reading a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    current = await read_operator_version(session.cluster, existing)
    target = operator_version(bundle.package)
    _require_newer(existing, current, target)
    change = compute_change(existing, current, target, parameters)
    await check_package(session, bundle)
    return change


async def upgrade(session: Session, bundle: Bundle, instance: str, parameters: Mapping[str, str]) -> Changed:
    """Install the package, set the version of the Instance, and start its plan upgrade, else update, else deploy.

    Raises what `check_upgrade` raises, PlanAlreadyRunning if a plan of the Instance runs, or TemporalUnavailable.
    """
    change = await check_upgrade(session, bundle, instance, parameters)
    await session.plans.require_idle(session.namespace, instance)
    await apply_package(session.cluster, bundle, session.namespace)
    return await apply_change(session, change)


def _require_newer(instance: Instance, current: OperatorVersion, target: OperatorVersion) -> None:
    name = instance.name
    if target.spec.operator.name != current.spec.operator.name:
        raise RequestError(
            f"The instance {name} belongs to the operator {current.spec.operator.name}, and the package to "
            f"{target.spec.operator.name}."
        )
    if PackageVersion(target.spec.version) <= PackageVersion(current.spec.version):
        raise RequestError(
            f"The instance {name} has the version {current.spec.version}, and the version {target.spec.version} of the "
            f"package is not newer.{pending_plan_hint(instance)}"
        )
