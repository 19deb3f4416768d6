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


async def check_upgrade(
    session: Session,
    bundle: Bundle,
    instance: str,
    parameters: Mapping[str, str],
    *,
    force: bool = False,
    allow_downgrade: bool = False,
) -> Change:
    """Check a change of the version, and of parameters with it, without writing it.

    With `force`, the version may be the same with another content; with `allow_downgrade`, it may be older.
    Raises InstanceNotFound, InvalidOperatorVersion, InvalidParams, InvalidPlan, PackageError or RequestError, and the
    errors of reading a cluster.
    """
    existing = await read_instance(session.cluster, session.namespace, instance)
    current = await read_operator_version(session.cluster, existing)
    target = operator_version(bundle.package)
    _require_operator(existing, current, target)
    if not allow_downgrade:
        _require_newer(existing, current, target, force=force)
    change = compute_change(existing, current, target, parameters)
    await check_package(session, bundle, force=force)
    return change


async def upgrade(
    session: Session,
    bundle: Bundle,
    instance: str,
    parameters: Mapping[str, str],
    *,
    force: bool = False,
    allow_downgrade: bool = False,
) -> Changed:
    """Install the package, set the version of the Instance, and start its plan upgrade, else update, else deploy.

    `force` and `allow_downgrade` are those of `check_upgrade`. Raises what `check_upgrade` raises, PlanAlreadyRunning
    if a plan of the Instance runs, or TemporalUnavailable.
    """
    change = await check_upgrade(session, bundle, instance, parameters, force=force, allow_downgrade=allow_downgrade)
    await session.plans.require_idle(session.namespace, instance)
    await apply_package(session.cluster, bundle, session.namespace)
    return await apply_change(session, change)


def _require_operator(instance: Instance, current: OperatorVersion, target: OperatorVersion) -> None:
    if target.spec.operator.name != current.spec.operator.name:
        raise RequestError(
            f"The instance {instance.name} belongs to the operator {current.spec.operator.name}, and the package to "
            f"{target.spec.operator.name}."
        )


def _require_newer(instance: Instance, current: OperatorVersion, target: OperatorVersion, *, force: bool) -> None:
    wanted, present = PackageVersion(target.spec.version), PackageVersion(current.spec.version)
    if wanted > present or (force and wanted == present):
        return
    subject = f"The instance {instance.name} has the version {current.spec.version}, and the version"
    if wanted == present:
        raise RequestError(
            f"{subject} {target.spec.version} of the package is not newer.{pending_plan_hint(instance)} To apply a "
            "package whose content has changed, for development, use --force."
        )
    raise RequestError(
        f"{subject} {target.spec.version} of the package is older.{pending_plan_hint(instance)} Use --allow-downgrade "
        "if the package supports it."
    )
